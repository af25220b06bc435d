package hop_test

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestSocketExistsOnlyWhileThereAreRules(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	exists := func() bool {
		_, err := os.Stat(r.socket)
		return err == nil
	}
	r.use(bundle.Bundle{})
	if exists() {
		t.Error("there is a socket before there are rules")
	}
	for range 3 {
		r.serve(nil, named(t, "a"))
		if info, err := os.Stat(r.socket); err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket {
			t.Errorf("with rules the socket is %v, %v", info, err)
		}
		r.get("/").want(t, http.StatusOK)
		r.use(bundle.Bundle{})
		if exists() {
			t.Error("there is a socket after the last rule has gone")
		}
	}
}

func TestSocketThatWasLeftBehindIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := os.WriteFile(r.socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.serve(nil, named(t, "a"))
	r.get("/").want(t, http.StatusOK)
}

func TestRulesOfTheConfigurationBeforeAreServedUntilTheyAreDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before, err := r.hop.Prepare(simple(nil, named(t, "before")))
	if err != nil {
		t.Fatal(err)
	}
	next := simple(nil, named(t, "next"))
	next.Hop.Rules[0].ID = "other"
	current, err := r.hop.Prepare(next)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.hop.Use(current, before); err != nil {
		t.Fatal(err)
	}
	if got := r.get("/").want(t, http.StatusOK); got.body != "before" {
		t.Errorf("answered by %q", got.body)
	}
	if err := r.hop.Use(current, nil); err != nil {
		t.Fatal(err)
	}
	r.get("/").want(t, http.StatusInternalServerError)
}

func TestEndpointsChangeUnderLoadWithoutAnError(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := named(t, "a"), named(t, "b")
	r.serve(nil, a)
	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for !stop.Load() {
				response, err := r.client.Do(r.request(http.MethodPost, "/", strings.NewReader("text")))
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
					t.Errorf("answered %d %q, %v", response.StatusCode, body, err)
				}
				response.Body.Close()
			}
		})
	}
	for i := range 200 {
		r.serve(nil, []string{a, b}[i%2])
	}
	stop.Store(true)
	clients.Wait()
	r.serve(nil, b)
	if got := r.get("/").want(t, http.StatusOK); got.body != "b" {
		t.Errorf("answered by %q", got.body)
	}
}

func TestConnectionsToBackendsOutliveUpdates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var mu sync.Mutex
	sources := map[string]bool{}
	address := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		sources[r.RemoteAddr] = true
	})
	for i := range 10 {
		r.serve(requestTimeout(int64(10_000+i)), address)
		r.get("/").want(t, http.StatusOK)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(sources) != 1 {
		t.Errorf("%d connections for ten requests", len(sources))
	}
}

func TestResponseUnderWayOutlivesTheSocket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	next := make(signal)
	r.serve(nil, backend(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-next
		_, _ = io.WriteString(w, "late")
	}))
	response, err := r.client.Do(r.request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	r.use(bundle.Bundle{})
	close(next)
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "late" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gone := make(signal)
	r.serve(nil, backend(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Upgrade") != "" {
			echo(w, q)
			return
		}
		_ = http.NewResponseController(w).Flush()
		<-q.Context().Done()
		close(gone)
	}))
	c := r.websocket()
	talk(t, c, "hello")
	response, err := r.client.Do(r.request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	r.hop.Close()
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Error("the response has a proper end")
	}
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("the websocket lives on")
	}
	gone.wait(t, "the end of the backend's request")
}

// Memory of a request does not grow with its body.
func TestLargeBodiesPassThroughSmallBuffers(t *testing.T) {
	r := newRig(t)
	const size = 256 << 20
	r.serve(retry(1, 500), backend(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	}))
	request := r.request(http.MethodPost, "/", io.LimitReader(zeros{}, size))
	// The backend answers while it reads, so both directions are under way.
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	response, err := r.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	runtime.ReadMemStats(&after)
	if n != size || err != nil {
		t.Errorf("%d of %d bytes came back: %v", n, size, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MiB were allocated for %d MiB", grown>>20, n>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
