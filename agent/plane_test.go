package agent_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/gatewright/gatewright/agent"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/test/nginxroot"
)

// plane is an agent with a real nginx, in directories and on ports of its own.
type plane struct {
	t        testing.TB
	options  agent.Options
	signals  chan os.Signal
	done     chan error
	operator *http.Client
	pki      *authority
	http     string
	https    string
}

// newPlane prepares an agent; run starts it.
func newPlane(t testing.TB) *plane {
	t.Helper()
	dir := t.TempDir()
	p := &plane{
		t: t, signals: make(chan os.Signal, 2), done: make(chan error, 1),
		pki: newAuthority(t), http: freeAddress(t), https: freeAddress(t),
	}
	p.options = agent.Options{
		RunDir:          filepath.Join(dir, "run"),
		StoredDir:       filepath.Join(dir, "stored"),
		IdentityDir:     filepath.Join(dir, "identity"),
		NginxCommand:    nginxCommand(t),
		ControlAddress:  freeAddress(t),
		HealthAddress:   freeAddress(t),
		ResolverAddress: freeAddress(t),
		StatusAddress:   freeAddress(t),
		PreStopDelay:    time.Millisecond,
		Grace:           time.Minute,
		Signals:         p.signals,
		Logger:          slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, dir := range []string{p.options.StoredDir, p.options.IdentityDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.pki.writeIdentity(t, p.options.IdentityDir)
	p.operator = p.client(p.pki.operator(t))
	return p
}

// run starts the agent, and stops it when the test ends.
func (p *plane) run() *plane {
	p.t.Helper()
	p.t.Cleanup(func() {
		p.signals <- syscall.SIGTERM
		p.signals <- syscall.SIGTERM
		if err := <-p.done; err != nil {
			p.t.Errorf("the agent ended with %v", err)
		}
	})
	return p.start()
}

// start starts the agent, which the test itself is to end.
func (p *plane) start() *plane {
	p.t.Helper()
	go func() { p.done <- agent.Run(context.Background(), p.options) }()
	p.eventually("the control API answers", func() bool {
		_, _, err := p.request(p.operator, http.MethodGet, bundle.PathState, nil)
		return err == nil
	})
	return p
}

// nginxCommand runs the image's nginx outside of a chroot, so that paths mean
// the same to it and to the test.
func nginxCommand(t testing.TB) []string {
	t.Helper()
	root, err := nginxroot.Path(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	loaders, _ := filepath.Glob(filepath.Join(root, "lib*", "ld-linux-*.so.*"))
	libraries, _ := filepath.Glob(filepath.Join(root, "usr/lib/*/libc.so.6"))
	if len(loaders) == 0 || len(libraries) == 0 {
		t.Fatalf("no loader or C library in %s", root)
	}
	return []string{loaders[0], "--library-path", filepath.Dir(libraries[0]), filepath.Join(root, "usr/sbin/nginx")}
}

// nextPort counts through ports below those that the kernel hands out, which
// another test could get between our look and nginx's use.
var nextPort atomic.Uint32

func freeAddress(t testing.TB) string {
	t.Helper()
	const first, count = 11000, 9000
	for range count {
		port := first + (uint32(os.Getpid())*97+nextPort.Add(1))%count
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		l.Close()
		return address
	}
	t.Fatal("no free port")
	return ""
}

// sentinelPort waits until no other test, of this process or another one, has
// an nginx that listens at bundle.NoEndpointsPort, the one port that a test
// cannot choose. It is to be called before the plane is made, so that the plane
// is down when the port is given back.
func sentinelPort(t testing.TB) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "gatewright-sentinel-port"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

func (p *plane) client(certificates ...tls.Certificate) *http.Client {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: p.pki.pool, ServerName: "gateway.test", Certificates: certificates},
		ForceAttemptHTTP2: true,
	}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func (p *plane) request(c *http.Client, method, path string, body []byte) (int, string, error) {
	request, err := http.NewRequestWithContext(p.t.Context(), method, "https://"+p.options.ControlAddress+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	response, err := c.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// push sends a bundle as the operator does, and returns the HTTP status and the
// state.
func (p *plane) push(b bundle.Bundle) (int, bundle.State) {
	p.t.Helper()
	status, body, err := p.request(p.operator, http.MethodPut, bundle.PathBundle, encoded(p.t, b))
	if err != nil {
		p.t.Fatal(err)
	}
	return status, decodeState(p.t, body)
}

// mustPush pushes a bundle that is to become live.
func (p *plane) mustPush(b bundle.Bundle) bundle.State {
	p.t.Helper()
	status, state := p.push(b)
	if status != http.StatusOK || state.Hash != b.Hash() || state.Refused != nil {
		p.t.Fatalf("push: %d, %+v, want hash %s live", status, state, b.Hash())
	}
	return state
}

func (p *plane) state() bundle.State {
	p.t.Helper()
	status, body, err := p.request(p.operator, http.MethodGet, bundle.PathState, nil)
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("ask for the state: %d %v", status, err)
	}
	return decodeState(p.t, body)
}

func decodeState(t testing.TB, body string) bundle.State {
	t.Helper()
	var s bundle.State
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatalf("state %q: %v", body, err)
	}
	return s
}

func encoded(t testing.TB, b bundle.Bundle) []byte {
	t.Helper()
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fetch asks nginx over a new connection, and returns the status and the body.
func (p *plane) fetch(path string) (int, string) {
	return fetch(p.t, "http://"+p.http+path)
}

func fetch(t testing.TB, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

// health asks a probe, or for the metrics.
func (p *plane) health(path string) (int, string) {
	return fetch(p.t, "http://"+p.options.HealthAddress+path)
}

// metric returns the value of a metric with its labels, as printed.
func (p *plane) metric(name string) string {
	p.t.Helper()
	_, text := p.health("/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// eventually fails the test if the condition does not come true in a time that
// is long for any machine.
func (p *plane) eventually(what string, condition func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			_, metrics := p.health("/metrics")
			p.t.Fatalf("never: %s; the agent's metrics:\n%s", what, metrics)
		}
	}
}

// site is the content of testdata/nginx.conf.tmpl.
type site struct {
	Upstreams    []string
	Certificate  string
	Extra        string
	ExtraServers string
	// Streams is the stream block's content; Modules has the module for it.
	Streams, Modules string
	ResolverOptions  string
	Sentinel         bool
	Workers          int
	Drain            int64
}

// bundle renders the site for this plane.
func (p *plane) bundle(s site, upstreams ...bundle.Upstream) bundle.Bundle {
	p.t.Helper()
	if s.Workers == 0 {
		s.Workers = 2
	}
	if s.Drain == 0 {
		s.Drain = 60
	}
	for _, u := range upstreams {
		s.Upstreams = append(s.Upstreams, u.ID)
	}
	var text strings.Builder
	err := template.Must(template.ParseFiles("testdata/nginx.conf.tmpl")).Execute(&text, struct {
		site
		RunDir, Resolver, Status, HTTP, HTTPS string
	}{s, p.options.RunDir, p.options.ResolverAddress, p.options.StatusAddress, p.http, p.https})
	if err != nil {
		p.t.Fatal(err)
	}
	b := bundle.Bundle{
		Gateway: "infra/public", Generation: 1, DrainSeconds: s.Drain,
		Files:     []bundle.File{{Path: "nginx.conf", Data: []byte(text.String())}},
		Upstreams: upstreams,
	}
	b.Sort()
	return b
}

// upstream has the endpoints "address:port", each with weight 1.
func upstream(id string, addresses ...string) bundle.Upstream {
	u := bundle.Upstream{ID: id}
	for _, a := range addresses {
		host, port, err := net.SplitHostPort(a)
		if err != nil {
			panic(err)
		}
		e := bundle.Endpoint{Address: host, Weight: 1}
		if _, err := fmt.Sscan(port, &e.Port); err != nil {
			panic(err)
		}
		u.Endpoints = append(u.Endpoints, e)
	}
	return u
}

// backend answers every request with its name, and echoes on websockets.
func backend(t testing.TB, name string) string {
	t.Helper()
	return backendOn(t, "127.0.0.1:0", name)
}

func backendOn(t testing.TB, address, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "websocket" {
			echo(w, r)
			return
		}
		_, _ = io.WriteString(w, name)
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return l.Addr().String()
}
