package hop_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gatewright/agent/hop"
	"github.com/gatewright/gatewright/compiler/bundle"
)

// TestMain fails if a goroutine of the hop, or of net/http, is left when all
// tests have closed what they opened.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leaked(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

func leaked() string {
	var left string
	for range 100 {
		var stacks []string
		buffer := make([]byte, 4<<20)
		for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
			if !strings.Contains(stack, "hop_test.TestMain") && (strings.Contains(stack, "agent/hop") || strings.Contains(stack, "net/http")) {
				stacks = append(stacks, stack)
			}
		}
		if left = strings.Join(stacks, "\n\n"); left == "" {
			return ""
		}
		time.Sleep(100 * time.Millisecond)
	}
	return left
}

// rig is a hop with a client that speaks to it as nginx does.
type rig struct {
	t      testing.TB
	hop    *hop.Server
	socket string
	client *http.Client
}

func newRig(t testing.TB) *rig {
	t.Helper()
	// A socket's path has at most 107 characters; test names may be longer.
	dir, err := os.MkdirTemp("", "hop")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, socket: filepath.Join(dir, "hop.sock")}
	r.hop = hop.New(hop.Options{Socket: r.socket, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	transport := &http.Transport{DialContext: r.dial, DisableCompression: true, MaxResponseHeaderBytes: 1 << 20}
	r.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		r.hop.Close()
		os.RemoveAll(dir)
	})
	return r
}

func (r *rig) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", r.socket)
}

// use makes the bundle's hop the one that serves.
func (r *rig) use(b bundle.Bundle) {
	r.t.Helper()
	b.Sort()
	table, err := r.hop.Prepare(b)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.hop.Use(table, nil); err != nil {
		r.t.Fatal(err)
	}
}

// serve uses one rule "rule" with one backend at the addresses, which the
// changes complete.
func (r *rig) serve(changes func(*bundle.HopRule), addresses ...string) {
	r.t.Helper()
	r.use(simple(changes, addresses...))
}

func simple(changes func(*bundle.HopRule), addresses ...string) bundle.Bundle {
	rule := bundle.HopRule{ID: "rule", Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}}}
	if changes != nil {
		changes(&rule)
	}
	return bundle.Bundle{Hop: bundle.Hop{
		Rules: []bundle.HopRule{rule}, Upstreams: []bundle.Upstream{upstream("web", addresses...)},
	}}
}

func upstream(id string, addresses ...string) bundle.Upstream {
	u := bundle.Upstream{ID: id}
	for _, a := range addresses {
		at := netip.MustParseAddrPort(a)
		u.Endpoints = append(u.Endpoints, bundle.Endpoint{Address: at.Addr().String(), Port: at.Port(), Weight: 1})
	}
	return u
}

// request is one for the rule "rule".
func (r *rig) request(method, path string, body io.Reader) *http.Request {
	r.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, "http://www.example.net"+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set(bundle.HopHeader, "rule")
	return request
}

// answer is a whole response.
type answer struct {
	status int
	body   string
	header http.Header
	// broken is why the body ended too early.
	broken error
}

func (r *rig) do(request *http.Request) answer {
	r.t.Helper()
	response, err := r.client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, string(body), response.Header, err}
}

func (r *rig) get(path string) answer {
	r.t.Helper()
	return r.do(r.request(http.MethodGet, path, nil))
}

func (r *rig) post(path, body string) answer {
	r.t.Helper()
	return r.do(r.request(http.MethodPost, path, strings.NewReader(body)))
}

// want fails the test if the status is another.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status || a.broken != nil {
		t.Fatalf("answered %d %q (broken: %v), want %d", a.status, a.body, a.broken, status)
	}
	return a
}

// backend serves on loopback, and returns its address.
func backend(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	return start(t, httptest.NewUnstartedServer(handler))
}

func start(t testing.TB, server *httptest.Server) string {
	t.Helper()
	server.Config.MaxHeaderBytes = 1 << 20
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(t.Output(), nil), slog.LevelInfo)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// named answers with its name.
func named(t testing.TB, name string) string {
	t.Helper()
	return backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

// closedPort is an address at which nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// signal is something that happens once.
type signal chan struct{}

func (s signal) wait(t testing.TB, what string) {
	t.Helper()
	select {
	case <-s:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s has not happened", what)
	}
}

// raw sends bytes to the hop and returns all that comes back until the end of
// the connection.
func (r *rig) raw(request string) string {
	r.t.Helper()
	c, err := r.dial(context.Background(), "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		r.t.Fatal(err)
	}
	var answer bytes.Buffer
	_, _ = io.Copy(&answer, c)
	return answer.String()
}
