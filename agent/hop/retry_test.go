package hop_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func retry(attempts int, codes ...int) func(*bundle.HopRule) {
	return func(r *bundle.HopRule) { r.Retry = &bundle.HopRetry{Attempts: attempts, Codes: codes} }
}

// failing answers the first requests with the status, then 200, and notes the
// bodies that it gets.
type failing struct {
	mu     sync.Mutex
	status int
	times  int
	bodies []string
}

func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.bodies = append(f.bodies, string(body))
	n := len(f.bodies)
	f.mu.Unlock()
	if n <= f.times {
		w.WriteHeader(f.status)
	}
	_, _ = io.WriteString(w, "seen")
}

func (f *failing) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bodies
}

func TestFailuresAreRetriedAsOftenAsTheRuleSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		backend   *failing
		rule      func(*bundle.HopRule)
		method    string
		status    int
		sendCount int
	}{
		"a code that is listed, until it is well":      {&failing{status: 500, times: 2}, retry(3, 500), "GET", 200, 3},
		"and no more often than attempts":              {&failing{status: 500, times: 9}, retry(3, 500), "GET", 500, 4},
		"a code that is not listed, never":             {&failing{status: 503, times: 2}, retry(3, 500), "GET", 503, 1},
		"any code from 400 on that is listed":          {&failing{status: 429, times: 1}, retry(1, 429, 500), "GET", 200, 2},
		"a listed code whatever the method":            {&failing{status: 502, times: 1}, retry(1, 502), "POST", 200, 2},
		"nothing without a retry stanza":               {&failing{status: 500, times: 1}, nil, "GET", 500, 1},
		"with the body, which each attempt gets whole": {&failing{status: 504, times: 2}, retry(2, 504), "PUT", 200, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.serve(test.rule, backend(t, test.backend.ServeHTTP))
			body, want := "", ""
			if test.method != http.MethodGet {
				body, want = "the body", "the body"
			}
			got := r.do(r.request(test.method, "/", strings.NewReader(body)))
			if got.status != test.status || got.body != "seen" {
				t.Errorf("answered %d %q, want %d from the backend", got.status, got.body, test.status)
			}
			wants := make([]string, test.sendCount)
			for i := range wants {
				wants[i] = want
			}
			if diff := cmp.Diff(wants, test.backend.seen()); diff != "" {
				t.Errorf("bodies at the backend (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodiesAboveTheLimitAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		size, sendCount int
		chunked         bool
	}{
		"just within, of known length":   {64 << 10, 2, false},
		"just above, of known length":    {64<<10 + 1, 1, false},
		"just within, of unknown length": {64 << 10, 1, true}, // its end is seen too late
		"within, of unknown length":      {64<<10 - 1, 2, true},
		"far above, of unknown length":   {1 << 20, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			f := &failing{status: 500, times: 1}
			r.serve(retry(1, 500), backend(t, f.ServeHTTP))
			text := strings.Repeat("x", test.size)
			request := r.request(http.MethodPost, "/", strings.NewReader(text))
			if test.chunked {
				request = r.request(http.MethodPost, "/", struct{ io.Reader }{strings.NewReader(text)})
			}
			got := r.do(request)
			if want := map[int]int{1: 500, 2: 200}[test.sendCount]; got.status != want {
				t.Errorf("answered %d, want %d", got.status, want)
			}
			if n := len(f.seen()); n != test.sendCount {
				t.Errorf("sent %d times, want %d", n, test.sendCount)
			}
			for _, body := range f.seen() {
				if body != text {
					t.Errorf("the backend got %d bytes, want %d", len(body), test.size)
				}
			}
		})
	}
}

// dropping accepts connections, reads what is sent, and closes without answer.
func dropping(t *testing.T) (address string, count *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	count = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			count.Add(1)
			c.Close()
		}
	}()
	return l.Addr().String(), count
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule      func(*bundle.HopRule)
		method    string
		key       string
		sendCount int64
	}{
		"are retried where the rule asks for retries":         {retry(2), "GET", "", 3},
		"are not retried without":                             {nil, "GET", "", 1},
		"are not retried for a POST that may have been heard": {retry(2), "POST", "", 1},
		"are retried for a POST with an idempotency key":      {retry(2), "POST", "a", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			address, count := dropping(t)
			r.serve(test.rule, address)
			request := r.request(test.method, "/", nil)
			if test.key != "" {
				request.Header.Set("Idempotency-Key", test.key)
			}
			r.do(request).want(t, http.StatusBadGateway)
			if n := count.Load(); n != test.sendCount {
				t.Errorf("sent %d times, want %d", n, test.sendCount)
			}
		})
	}
}

func TestAttemptThatTimesOutIsRetried(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var calls atomic.Int64
	address := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 3 {
			<-r.Context().Done()
		}
	})
	r.serve(func(rule *bundle.HopRule) {
		rule.BackendTimeoutMillis = 200
		rule.Retry = &bundle.HopRetry{Attempts: 2}
	}, address)
	r.get("/").want(t, http.StatusOK)
	if n := calls.Load(); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
}

func TestRetryGoesToAnotherEndpoint(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bad := func() string {
		return backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	}
	// Three of four are bad: with three retries each request finds the good one.
	r.serve(retry(3, 500), bad(), bad(), bad(), named(t, "good"))
	for range 20 {
		r.get("/").want(t, http.StatusOK)
	}
}

func TestEndpointThatCannotBeConnectedToIsReplacedByAnotherEvenWithoutRetries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, closedPort(t), closedPort(t), named(t, "good"))
	for range 10 {
		if got := r.post("/", "text").want(t, http.StatusOK); got.body != "good" {
			t.Fatalf("answered %q", got.body)
		}
	}
	// Once known to be down, an endpoint is not asked again at each request.
	if n := r.hop.Stats().Reconnects; n > 2 {
		t.Errorf("%d reconnects for two endpoints that are down", n)
	}
}

func TestEndpointThatIsDownIsAskedIfThereIsNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	address := closedPort(t)
	r.serve(nil, address)
	r.get("/").want(t, http.StatusBadGateway)
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	done := make(signal)
	go func() {
		_ = server.Serve(l)
		close(done)
	}()
	t.Cleanup(func() {
		server.Close()
		done.wait(t, "the end of the server")
	})
	r.get("/").want(t, http.StatusNotFound)
}

func TestPauseBeforeARetryIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	times := make(chan time.Time, 3)
	address := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		times <- time.Now()
		w.WriteHeader(http.StatusInternalServerError)
	})
	r.serve(func(rule *bundle.HopRule) {
		rule.Retry = &bundle.HopRetry{Attempts: 2, Codes: []int{500}, BackoffMillis: 150}
	}, address)
	r.get("/").want(t, http.StatusInternalServerError)
	first, second, third := <-times, <-times, <-times
	if second.Sub(first) < 150*time.Millisecond || third.Sub(second) < 150*time.Millisecond {
		t.Errorf("pauses of %s and %s, want at least 150 ms", second.Sub(first), third.Sub(second))
	}
}

func TestBodyThatIsStillBeingSentReachesTheNextAttemptWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var calls atomic.Int64
	asked := make(signal)
	address := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			// Answered with an error before the body has come.
			_ = http.NewResponseController(w).EnableFullDuplex()
			_, _ = io.ReadFull(r.Body, make([]byte, 5))
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = http.NewResponseController(w).Flush()
			close(asked)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	r.serve(retry(1, 503), address)
	reader, writer := io.Pipe()
	go func() {
		_, _ = io.WriteString(writer, "first")
		<-asked
		_, _ = io.WriteString(writer, " and last")
		writer.Close()
	}()
	got := r.do(r.request(http.MethodPut, "/", reader)).want(t, http.StatusOK)
	if got.body != "first and last" {
		t.Errorf("the second attempt got %q", got.body)
	}
}

func TestSentinelsAreAnsweredWithoutRetries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		address string
		status  int
	}{
		"no endpoints":    {"127.0.0.1:29503", http.StatusServiceUnavailable},
		"invalid backend": {"127.0.0.1:29500", http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.serve(retry(3, 500, 503), test.address)
			r.get("/").want(t, test.status)
			if n := r.hop.Stats().Retries; n != 0 {
				t.Errorf("%d retries", n)
			}
		})
	}
}
