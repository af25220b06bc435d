package hop_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/agent/hop"
	"github.com/gatewright/gatewright/compiler/bundle"
)

// mirrored uses the rule "rule", whose backend and mirror speak HTTP/2 by prior
// knowledge.
func (r *rig) mirrored(changes func(*bundle.HopRule), backend, mirror string) {
	r.t.Helper()
	b := simple(func(rule *bundle.HopRule) {
		rule.Backends[0].HTTP2 = true
		rule.Mirrors = []bundle.HopMirror{{Share: 10_000, Backend: bundle.HopBackend{Upstream: "mirror", Weight: 1, HTTP2: true}}}
		if changes != nil {
			changes(rule)
		}
	}, backend)
	b.Hop.Upstreams = append(b.Hop.Upstreams, upstream("mirror", mirror))
	r.use(b)
}

// overHTTP2 has the client speak as nginx does for gRPC.
func (r *rig) overHTTP2() {
	transport := r.client.Transport.(*http.Transport)
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetUnencryptedHTTP2(true)
}

// settled waits until no copy is under way, and returns the figures.
func (r *rig) settled() hop.Stats {
	r.t.Helper()
	for range 2000 {
		if s := r.hop.Stats(); s.Copies == 0 {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatalf("copies are still under way: %+v", r.hop.Stats())
	return hop.Stats{}
}

func TestACopyIsTheRequestAsTheBackendGetsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	var got, copied seen
	r.mirrored(nil,
		h2c(t, func(w http.ResponseWriter, r *http.Request) { got.add(r); _, _ = io.WriteString(w, "answer") }),
		h2c(t, func(w http.ResponseWriter, r *http.Request) { copied.add(r); w.WriteHeader(http.StatusTeapot) }))
	for _, q := range []*http.Request{
		r.request(http.MethodGet, "/a%2Fb//c?d=%20", nil),
		r.request(http.MethodPost, "/shop.v1.Orders/Get", strings.NewReader("some")),
		r.request(http.MethodPost, "/shop.v1.Orders/Put", strings.NewReader(strings.Repeat("much", 100_000))),
		r.request(http.MethodPost, "/shop.v1.Orders/List", io.MultiReader(strings.NewReader("of unknown "), strings.NewReader("length"))),
	} {
		q.Header.Set("Te", "trailers")
		q.Header.Set("X-Own", "a")
		if a := r.do(q).want(t, http.StatusOK); a.body != "answer" {
			t.Errorf("answered %q", a.body)
		}
		r.settled()
	}
	if diff := cmp.Diff(got.all(), copied.all()); diff != "" || len(copied.all()) != 4 {
		t.Errorf("the copies are others (- backend, + mirror):\n%s", diff)
	}
	if s := r.settled(); s.CopiesFailed != 0 || s.CopyBacklog != 0 {
		t.Errorf("%+v", s)
	}
}

func TestMessagesAreCopiedAsTheyCome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	pieces, end := make(chan string, 100), make(chan error, 1)
	r.mirrored(nil, echoing(t), h2c(t, func(_ http.ResponseWriter, q *http.Request) {
		message := make([]byte, len("message"))
		for {
			if _, err := io.ReadFull(q.Body, message); err != nil {
				end <- err
				return
			}
			pieces <- string(message)
		}
	}))
	c := r.call(t)
	for range 5 {
		c.say([]byte("message"))
		// The call is open still: nobody waits for its end.
		if got := <-pieces; got != "message" {
			t.Errorf("the mirror got %q", got)
		}
	}
	c.hangUp()
	if err := <-end; !errors.Is(err, io.EOF) {
		t.Errorf("the copy ended with %v", err)
	}
	r.settled()
}

func TestAMirrorThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	for name, mirror := range map[string]func(*testing.T) string{
		"it cannot be reached": func(t *testing.T) string { return closedPort(t) },
		"it has no endpoints":  func(*testing.T) string { return "127.0.0.1:29503" },
		"it hangs up": func(t *testing.T) string {
			return h2c(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		},
		"it speaks no HTTP/2": func(t *testing.T) string { return named(t, "mirror") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.overHTTP2()
			r.mirrored(nil, echoing(t), mirror(t))
			for range 3 {
				c := r.call(t)
				c.say([]byte("one"))
				c.say(make([]byte, 8<<20))
				c.hangUp()
			}
			if s := r.settled(); s.CopiesFailed != 3 || s.Failures != 0 || s.CopyBacklog != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAMirrorThatAnswersBeforeTheEndOfACallIsDoneWithIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	r.mirrored(nil, echoing(t), h2c(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	c := r.call(t)
	c.say([]byte("one"))
	if s := r.settled(); s.CopiesFailed != 0 {
		t.Errorf("%+v", s)
	}
	c.say(make([]byte, 8<<20))
	c.hangUp()
	if s := r.settled(); s.CopyBacklog != 0 {
		t.Errorf("%+v", s)
	}
}

// A mirror that reads nothing lets the copy fall behind.
func TestACopyTooFarBehindIsGivenUpAndLooksIncomplete(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	begun, next, got := make(signal), make(signal), make(bodies, 1)
	r.mirrored(nil, echoing(t), h2c(t, func(_ http.ResponseWriter, q *http.Request) {
		close(begun)
		<-next
		got.read(q)
	}))
	c := r.call(t)
	begun.wait(t, "the copy")
	// The call itself goes on.
	for range 8 {
		c.say(make([]byte, 1<<20))
	}
	c.hangUp()
	close(next)
	if text, err := got.wait(t); err == nil {
		t.Errorf("%d bytes look like all of the request", len(text))
	}
	if s := r.settled(); s.CopiesFailed != 1 || s.CopyBacklog != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAllCopiesTogetherAreNotFarBehind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	next := make(signal)
	r.mirrored(nil, echoing(t), h2c(t, func(_ http.ResponseWriter, _ *http.Request) { <-next }))
	var calls []call
	for range 8 {
		c := r.call(t)
		for range 3 {
			c.say(make([]byte, 1<<20))
		}
		calls = append(calls, c)
		if s := r.hop.Stats(); s.CopyBacklog > 16<<20 {
			t.Errorf("copies are %d bytes behind", s.CopyBacklog)
		}
	}
	for _, c := range calls {
		c.hangUp()
	}
	close(next)
	if s := r.settled(); s.CopiesFailed == 0 || s.CopyBacklog != 0 {
		t.Errorf("%+v", s)
	}
}

func TestACopyOfARequestThatIsBrokenOffIsBrokenOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	got := make(bodies, 1)
	r.mirrored(nil, echoing(t), h2c(t, func(_ http.ResponseWriter, q *http.Request) { got.read(q) }))
	c := r.call(t)
	c.say([]byte("one"))
	_ = c.messages.CloseWithError(io.ErrUnexpectedEOF)
	if text, err := got.wait(t); err == nil {
		t.Errorf("%q looks like all of the request", text)
	}
	// It was the request that failed.
	if s := r.settled(); s.CopiesFailed != 0 {
		t.Errorf("%+v", s)
	}
}

// The bounds are six standard deviations from a half.
func TestAShareOfRequestsIsCopied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const requests, least, most = 1000, 500 - 95, 500 + 95
	var copies, none atomic.Int64
	count := func(n *atomic.Int64) string {
		return h2c(t, func(http.ResponseWriter, *http.Request) { n.Add(1) })
	}
	half, hardly := count(&copies), count(&none)
	b := simple(func(rule *bundle.HopRule) {
		for id, share := range map[string]int32{"half": 5000, "hardly": 1} {
			rule.Mirrors = append(rule.Mirrors, bundle.HopMirror{Share: share, Backend: bundle.HopBackend{Upstream: id, Weight: 1, HTTP2: true}})
		}
	}, named(t, "a"))
	b.Hop.Upstreams = append(b.Hop.Upstreams, upstream("half", half), upstream("hardly", hardly))
	r.use(b)
	for range requests {
		r.get("/").want(t, http.StatusOK)
	}
	r.settled()
	if n := copies.Load(); n < least || n > most {
		t.Errorf("%d of %d requests were copied, want a half", n, requests)
	}
	// One in ten thousand: more than ten of a thousand come once in 10^17 runs.
	if n := none.Load(); n > 10 {
		t.Errorf("%d of %d requests were copied, want hardly one", n, requests)
	}
}

func TestOnlyRequestsThatAreLetInAreCopied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var copied seen
	server := backend(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
		}
		w.Header().Set("X-User", "anna")
	})
	rule := bundle.HopRule{
		ID: "rule",
		Auth: &bundle.HopAuth{
			Server: bundle.HopBackend{Upstream: "auth", Weight: 1}, TimeoutMillis: 10_000, MaxBodyBytes: 10,
			ResponseHeaders: []string{"X-User"}, Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}},
		},
		Mirrors: []bundle.HopMirror{{Share: 10_000, Backend: bundle.HopBackend{Upstream: "mirror", Weight: 1}}},
	}
	r.use(bundle.Bundle{Hop: bundle.Hop{Rules: []bundle.HopRule{rule}, Upstreams: []bundle.Upstream{
		upstream("auth", server), upstream("web", named(t, "a")),
		upstream("mirror", backend(t, func(_ http.ResponseWriter, q *http.Request) { copied.add(q) })),
	}}})
	r.post("/secret", "text").want(t, http.StatusForbidden)
	allowed := r.request(http.MethodPost, "/", strings.NewReader("text"))
	allowed.Header.Set("Authorization", "me")
	r.do(allowed).want(t, http.StatusOK)
	r.settled()
	want := []string{`POST www.example.net/ "text" Authorization=me Content-Length=4 User-Agent=Go-http-client/1.1 X-User=anna`}
	if diff := cmp.Diff(want, copied.all()); diff != "" {
		t.Errorf("the mirror saw (- want, + got):\n%s", diff)
	}
}

// A request that is sent again has one body.
func TestARequestThatIsRetriedIsCopiedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	var attempts atomic.Int64
	got := make(bodies, 10)
	r.mirrored(retry(2, 503), h2c(t, func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		if attempts.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}), h2c(t, func(_ http.ResponseWriter, q *http.Request) { got.read(q) }))
	r.post("/", "text").want(t, http.StatusOK)
	r.settled()
	if text, err := got.wait(t); text != "text" || err != nil || len(got) > 0 || attempts.Load() != 3 {
		t.Errorf("the mirror got %q, %v and %d more, the backend %d", text, err, len(got), attempts.Load())
	}
}

func TestCloseEndsCopies(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.overHTTP2()
	begun := make(signal)
	r.mirrored(nil, echoing(t), h2c(t, func(_ http.ResponseWriter, q *http.Request) {
		close(begun)
		<-q.Context().Done()
	}))
	c := r.call(t)
	c.say([]byte("one"))
	begun.wait(t, "the copy")
	r.hop.Close()
	if s := r.settled(); s.CopiesFailed != 0 || s.CopyBacklog != 0 {
		t.Errorf("%+v", s)
	}
}

func TestMirrorsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]bundle.HopMirror{
		"a share of nothing":        {Share: 0, Backend: bundle.HopBackend{Upstream: "web", Weight: 1}},
		"more than all":             {Share: 10_001, Backend: bundle.HopBackend{Upstream: "web", Weight: 1}},
		"an upstream that is not":   {Share: 1, Backend: bundle.HopBackend{Upstream: "other", Weight: 1}},
		"a backend without weights": {Share: 1, Backend: bundle.HopBackend{Upstream: "web"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := simple(func(rule *bundle.HopRule) { rule.Mirrors = []bundle.HopMirror{m} }, "127.0.0.1:80")
			if _, err := r.hop.Prepare(b); err == nil {
				t.Error("it is taken")
			}
		})
	}
}
