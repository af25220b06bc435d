package corpus

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// TestAShareOfRequestsIsCopied counts copies of one in three. The bounds are
// six standard deviations from that.
func TestAShareOfRequestsIsCopied(t *testing.T) {
	t.Parallel()
	d, seen := servedMirrors(t)
	const requests, least, most = 600, 200 - 70, 200 + 70
	copies := 0
	for range requests {
		r, number := seen.number(request{method: "GET", target: "/some", authority: "any.example.net"})
		c, err := d.Dial("127.0.0.1", 80)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, r.wire())
		// nginx closes the connection when the copies are answered.
		answer, err := io.ReadAll(c)
		_ = c.Close()
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
			t.Fatalf("answered %q, %v", answer, err)
		}
		accounts, err := seen.wait(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range accounts {
			if strings.HasPrefix(a.Backend, "10.42.0.13:") {
				copies++
			}
		}
	}
	if copies < least || copies > most {
		t.Errorf("%d of %d requests were copied, want one in three", copies, requests)
	}
	t.Logf("%d of %d requests were copied", copies, requests)
}

// TestLongBodiesAreNotCopied sends one that would have to lie in memory for as
// long as the slowest of its backends takes.
func TestLongBodiesAreNotCopied(t *testing.T) {
	t.Parallel()
	d, _ := mirrorsPlane(t)
	seen := newWitness()
	answerAll(t, d, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen.saw(r.Header, account{Backend: localAddress(r), Body: string(body)})
	})
	for body, want := range map[string]int{strings.Repeat("x", 999_999): 2, strings.Repeat("x", 2<<20): 1} {
		r, number := seen.number(request{method: "POST", target: "/one", authority: "any.example.net", port: 80, body: body})
		a, err := r.send(d)
		if err != nil || a.response.StatusCode != http.StatusOK {
			t.Fatalf("answered %+v, %v", a.response, err)
		}
		accounts, err := seen.wait(number, want)
		if err != nil || len(accounts) != want {
			t.Fatalf("%d backends saw the request, want %d: %v", len(accounts), want, err)
		}
		for _, a := range accounts {
			if a.Body != body {
				t.Errorf("%s saw %d bytes of %d", a.Backend, len(a.Body), len(body))
			}
		}
	}
}

// TestACopyThatIsNeverAnsweredHoldsNothingUp sends copies to a backend that
// stays silent: the request itself is answered while it does.
func TestACopyThatIsNeverAnsweredHoldsNothingUp(t *testing.T) {
	t.Parallel()
	d, _ := mirrorsPlane(t)
	copies := make(chan context.Context, 1)
	answerAll(t, d, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(localAddress(r), "10.42.0.12:") {
			_, _ = io.Copy(io.Discard, r.Body)
			copies <- r.Context()
			<-r.Context().Done()
			return
		}
		_, _ = fmt.Fprint(w, "answer")
	})
	for name, r := range map[string]request{
		"over HTTP/1.1": {headers: [][2]string{{"Connection", "keep-alive"}}},
		"over HTTP/2":   {http2: true},
	} {
		t.Run(name, func(t *testing.T) {
			r.method, r.target, r.authority, r.port, r.body = "POST", "/one", "any.example.net", 80, "some"
			a, err := r.send(d)
			if err != nil || a.response.StatusCode != http.StatusOK {
				t.Fatalf("answered %+v, %v", a.response, err)
			}
			if err := (<-copies).Err(); err != nil {
				t.Errorf("the answer came after nginx had given up on the copy: %v", err)
			}
			// Else the next request on the connection would wait for the copy.
			if !r.http2 && !a.response.Close {
				t.Error("the connection is kept")
			}
		})
	}
}

// TestNoClientAsksForTheLocationsOfCopies sends the target that nginx itself
// asks for.
func TestNoClientAsksForTheLocationsOfCopies(t *testing.T) {
	t.Parallel()
	d, _ := servedMirrors(t)
	for _, target := range []string{"mirror/web/copied/0/1", "http://any.example.net/mirror/web/copied/0/1"} {
		r := request{method: "GET", target: target, authority: "any.example.net", port: 80}
		a, err := r.send(d)
		if err != nil || a.response.StatusCode/100 != 4 || a.response.Header.Get(accountHeader) != "" {
			t.Errorf("%s is answered %+v, %v", target, a.response, err)
		}
	}
}

// answerAll starts the data plane, with a handler in the place of all backends.
func answerAll(t *testing.T, d *dataplane.DataPlane, handler http.HandlerFunc) {
	t.Helper()
	server := &http.Server{Handler: handler} //nolint:gosec // only this test's nginx connects
	l, err := d.Listen("", 8080)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// localAddress is the backend's that was asked.
func localAddress(r *http.Request) string {
	address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return address.String()
}

// servedMirrors is a data plane that serves, with backends.
func servedMirrors(t *testing.T) (*dataplane.DataPlane, *witness) {
	t.Helper()
	d, b := mirrorsPlane(t)
	seen := newWitness()
	stop, err := serveBackends(d, b, snapshot.Snapshot{}, seen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, seen
}

func mirrorsPlane(t *testing.T) (*dataplane.DataPlane, bundle.Bundle) {
	t.Helper()
	s, err := ReadCase(cases + "/mirrors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	b := compiler.Run(s, compiler.Options{Infra: infra.Options{Image: "gatewright-nginx:test"}}).Gateways[0].Bundle
	d, err := dataplane.New(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, b
}
