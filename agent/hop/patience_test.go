package hop

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// TestAMirrorThatNeverAnswersHoldsNothingUp has one that takes what it gets.
func TestAMirrorThatNeverAnswersHoldsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := bufconn.Listen(1 << 16)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // in memory
			_, _ = io.Copy(w, r.Body)
		})}
		go func() { _ = server.Serve(network) }()
		h := New(Options{Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			if address == "192.0.2.1:80" {
				return network.DialContext(ctx)
			}
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			return near, nil
		}})
		defer func() {
			h.Close()
			_ = server.Close()
		}()
		endpoints := func(address string) []bundle.Endpoint {
			return []bundle.Endpoint{{Address: address, Port: 80, Weight: 1}}
		}
		table, err := h.Prepare(bundle.Bundle{Hop: bundle.Hop{
			Rules: []bundle.HopRule{{
				ID: "rule", Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}},
				Mirrors: []bundle.HopMirror{{Share: allShares, Backend: bundle.HopBackend{Upstream: "mirror", Weight: 1}}},
			}},
			Upstreams: []bundle.Upstream{{ID: "web", Endpoints: endpoints("192.0.2.1")}, {ID: "mirror", Endpoints: endpoints("192.0.2.2")}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		// Without a socket, which a fake clock would not wait for.
		h.live.Store(&tables{current: table})

		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://www.example.net/", strings.NewReader("text"))
		if err != nil {
			t.Fatal(err)
		}
		request.RequestURI, request.Header = "/", http.Header{bundle.HopHeader: {"rule"}}
		begin, response := time.Now(), httptest.NewRecorder()
		h.ServeHTTP(response, request)
		if took := time.Since(begin); response.Code != http.StatusOK || response.Body.String() != "text" || took != 0 {
			t.Errorf("answered %d %q after %s", response.Code, response.Body, took)
		}
		time.Sleep(copyTime - time.Second)
		if n := h.Stats().Copies; n != 1 {
			t.Errorf("%d copies are under way while the mirror may answer", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := h.Stats(); s.Copies != 0 || s.CopyBacklog != 0 || s.CopiesFailed != 1 {
			t.Errorf("when its time is up: %+v", s)
		}
	})
}

func TestThereAreOnlySoManyCopiesAtOnce(t *testing.T) {
	t.Parallel()
	h := New(Options{})
	defer h.Close()
	h.counts.copies.Store(maxCopies)
	x := &exchange{server: h, rule: &rule{mirrors: []mirror{{share: allShares}}}}
	x.mirror(nil)()
	if s := h.Stats(); s.Copies != maxCopies || s.CopiesFailed != 1 {
		t.Errorf("%+v", s)
	}
}
