package hop_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func requestTimeout(millis int64) func(*bundle.HopRule) {
	return func(r *bundle.HopRule) { r.RequestTimeoutMillis = millis }
}

func backendTimeout(millis int64) func(*bundle.HopRule) {
	return func(r *bundle.HopRule) { r.BackendTimeoutMillis = millis }
}

// stuck never answers; gone tells when it was given up.
func stuck(t *testing.T) (address string, gone signal) {
	gone = make(signal)
	return backend(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	}), gone
}

func TestRequestThatTakesTooLongIsAnsweredWith504(t *testing.T) {
	t.Parallel()
	for name, timeout := range map[string]func(*bundle.HopRule){
		"in all":         requestTimeout(100),
		"at the backend": backendTimeout(100),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			address, gone := stuck(t)
			r.serve(timeout, address)
			r.get("/").want(t, http.StatusGatewayTimeout)
			gone.wait(t, "the end of the backend's request")
		})
	}
}

// nginx's own timeouts begin anew with each byte: a body that was trickled for
// 1.6 s passed a limit of 500 ms.
func TestTrickledResponseIsBrokenOffAtTheDeadline(t *testing.T) {
	t.Parallel()
	for name, timeout := range map[string]func(*bundle.HopRule){
		"of the request":         requestTimeout(500),
		"of the backend request": backendTimeout(500),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			gone := make(signal)
			address := backend(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000000")
				for {
					select {
					case <-r.Context().Done():
						close(gone)
						return
					case <-time.After(50 * time.Millisecond):
						_, _ = io.WriteString(w, "x")
						_ = http.NewResponseController(w).Flush()
					}
				}
			})
			r.serve(timeout, address)
			got := r.get("/")
			if got.status != http.StatusOK || got.broken == nil || got.body == "" {
				t.Errorf("answered %d with %d bytes, broken: %v; want 200, some bytes, and no proper end", got.status, len(got.body), got.broken)
			}
			gone.wait(t, "the end of the backend's request")
		})
	}
}

func TestRequestThatIsTrickledIsEndedAtTheDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	address := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	r.serve(requestTimeout(200), address)
	reader, writer := io.Pipe()
	t.Cleanup(func() { writer.Close() })
	// The backend's first bytes come back while more is awaited; the whole
	// transaction has to end all the same.
	request := r.request(http.MethodPost, "/", reader)
	go func() { _, _ = writer.Write([]byte("first")) }()
	response, err := r.client.Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err == nil && response.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("answered %d %q", response.StatusCode, body)
	}
}

func TestClientThatDoesNotReadIsCutOffAtTheDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gone := make(signal)
	address := backend(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		block := make([]byte, 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	r.serve(requestTimeout(300), address)
	response, err := r.client.Do(r.request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	gone.wait(t, "the end of the backend's request")
	if _, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Error("the response has a proper end")
	}
}

func TestConnectionServesOnAfterATimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	address := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
	})
	r.serve(requestTimeout(100), address)
	got := r.raw("GET /slow HTTP/1.1\r\nHost: a\r\nGatewright-Hop: rule\r\n\r\n" +
		"GET /fast HTTP/1.1\r\nHost: a\r\nGatewright-Hop: rule\r\nConnection: close\r\n\r\n")
	first, rest, _ := strings.Cut(got, "\n")
	if !strings.HasPrefix(first, "HTTP/1.1 504") || !strings.Contains(rest, "HTTP/1.1 200") {
		t.Errorf("answered %q", got)
	}
}

func TestZeroIsNoTimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	address := backend(t, func(http.ResponseWriter, *http.Request) { time.Sleep(300 * time.Millisecond) })
	r.serve(func(rule *bundle.HopRule) { rule.RequestTimeoutMillis, rule.BackendTimeoutMillis = 0, 0 }, address)
	r.get("/").want(t, http.StatusOK)
}

func TestDeadlineCoversAllRetriesAndPauses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	address := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	// All retries would take ten seconds, and end with 503.
	r.serve(func(rule *bundle.HopRule) {
		rule.RequestTimeoutMillis = 300
		rule.Retry = &bundle.HopRetry{Attempts: 200, Codes: []int{503}, BackoffMillis: 50}
	}, address)
	r.get("/").want(t, http.StatusGatewayTimeout)
}

func TestResponseEndsWithinItsTimeIsWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := strings.Repeat("0123456789", 100_000)
	address := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, iotest.HalfReader(strings.NewReader(text)))
	})
	r.serve(func(rule *bundle.HopRule) { rule.RequestTimeoutMillis, rule.BackendTimeoutMillis = 60_000, 60_000 }, address)
	if got := r.get("/").want(t, http.StatusOK); got.body != text {
		t.Errorf("got %d bytes, want %d", len(got.body), len(text))
	}
}
