package agent_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// hopSite has a location of nginx for each hop rule.
func (p *plane) hopSite(rules ...string) site {
	s := site{ExtraServers: fmt.Sprintf(`upstream hop {
		server unix:%s;
		keepalive 32;
		keepalive_timeout 60s;
	}`, filepath.Join(p.options.RunDir, "hop.sock"))}
	for _, id := range rules {
		s.Extra += fmt.Sprintf(`
		location /%[1]s {
			proxy_http_version 1.1;
			proxy_buffering off;
			proxy_request_buffering off;
			proxy_read_timeout 1h;
			proxy_pass_trailers on;
			proxy_set_header Host $host:$server_port;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_set_header Gatewright-Hop %[1]s;
			proxy_pass http://hop;
		}
		location /grpc/%[1]s {
			grpc_set_header Gatewright-Hop %[1]s;
			grpc_pass grpc://hop;
		}`, id)
	}
	return s
}

// hopBundle adds hop rules, with a backend each at the address.
func (p *plane) hopBundle(address string, rules ...bundle.HopRule) bundle.Bundle {
	p.t.Helper()
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.ID)
	}
	s := p.hopSite(ids...)
	s.Extra += "\nhttp2 on; client_max_body_size 0;"
	b := p.bundle(s)
	b.Hop.Upstreams = []bundle.Upstream{upstream("web", address)}
	for _, r := range rules {
		r.Backends = []bundle.HopBackend{{Upstream: "web", Weight: 1}}
		b.Hop.Rules = append(b.Hop.Rules, r)
	}
	b.Sort()
	return b
}

func TestHopServesBehindNginx(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	var mu sync.Mutex
	sources := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		sources[r.RemoteAddr] = true
		mu.Unlock()
		if r.Header.Get("Upgrade") == "websocket" {
			echo(w, r)
			return
		}
		if r.URL.Path == "/limited" {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(50 * time.Millisecond)
			}
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %v %d", r.Host, r.RequestURI, r.Header[bundle.HopHeader], len(body))
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p.mustPush(p.hopBundle(server.Listener.Addr().String(),
		bundle.HopRule{ID: "web"}, bundle.HopRule{ID: "limited", RequestTimeoutMillis: 500}))
	_, port, _ := strings.Cut(p.http, ":")

	t.Run("keeps Host, path and query, and takes clients' copies of its header for nothing", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.http+"/web//a%2Fb?q=%20", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(bundle.HopHeader, "limited")
		got := do(t, http.DefaultClient, request)
		if want := "127.0.0.1:" + port + " /web//a%2Fb?q=%20 [] 0"; got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	})
	t.Run("takes an upload of unknown length", func(t *testing.T) {
		body := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 3<<20))}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.http+"/web", body)
		if err != nil {
			t.Fatal(err)
		}
		if got := do(t, http.DefaultClient, request); !strings.HasSuffix(got, " 3145728") {
			t.Errorf("answered %q", got)
		}
	})
	t.Run("keeps its connections", func(t *testing.T) {
		mu.Lock()
		clear(sources)
		mu.Unlock()
		for range 50 {
			if status, body := p.fetch("/web"); status != http.StatusOK {
				t.Fatalf("answered %d %q", status, body)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if len(sources) > 2 {
			t.Errorf("%d connections for 50 requests in turn", len(sources))
		}
	})
	t.Run("breaks a trickled response off at the deadline", func(t *testing.T) {
		response, err := http.Get("http://" + p.http + "/limited")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); err == nil || len(body) == 0 {
			t.Errorf("%d bytes and a proper end", len(body))
		}
	})
	t.Run("keeps websockets open over updates without a reload", func(t *testing.T) {
		c := p.socket("/limited")
		if err := talk(t, c, "one"); err != nil {
			t.Fatal(err)
		}
		before := p.state()
		after := p.mustPush(p.hopBundle(backend(t, "other"), bundle.HopRule{ID: "web", BackendTimeoutMillis: 9000}, bundle.HopRule{ID: "limited"}))
		if after.Reloads != before.Reloads {
			t.Errorf("reloads went from %d to %d", before.Reloads, after.Reloads)
		}
		if status, body := p.fetch("/web"); status != http.StatusOK || body != "other" {
			t.Errorf("answered %d %q by the new endpoint", status, body)
		}
		if err := talk(t, c, "two"); err != nil {
			t.Error(err)
		}
		_ = c.Close(websocket.StatusNormalClosure, "")
	})
}

func do(t *testing.T, c *http.Client, request *http.Request) string {
	t.Helper()
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("answered %d %q, %v", response.StatusCode, body, err)
	}
	return string(body)
}

// gRPC: messages in both directions at once, and trailers, over HTTP/2 all the
// way.
func TestHopPassesGRPCOn(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_ = http.NewResponseController(w).Flush()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "%s %s\n", r.Proto, lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("Grpc-Status", "0")
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	b := p.hopBundle(server.Listener.Addr().String(), bundle.HopRule{ID: "web"})
	b.Hop.Rules[0].Backends[0].HTTP2 = true
	p.mustPush(b)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.http+"/grpc/web", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answers := bufio.NewReader(response.Body)
	for _, word := range []string{"one", "two", "three"} {
		_, _ = io.WriteString(writer, word+"\n")
		if got, err := answers.ReadString('\n'); got != "HTTP/2.0 "+word+"\n" {
			t.Fatalf("answered %d %q, %v", response.StatusCode, got, err)
		}
	}
	writer.Close()
	if _, err := io.ReadAll(answers); err != nil || response.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("ended with %v and trailers %v", err, response.Trailer)
	}
}

func TestHopRulesThatContradictThemselvesAreRefusedAndTheOldOnesServe(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	good := p.hopBundle(backend(t, "web"), bundle.HopRule{ID: "web"})
	p.mustPush(good)
	bad := good
	bad.Hop.Rules = []bundle.HopRule{{ID: "web", Backends: []bundle.HopBackend{{Upstream: "none", Weight: 1}}}}
	if status, state := p.push(bad); status != http.StatusUnprocessableEntity || state.Refused == nil || !strings.Contains(state.Refused.Message, `"none"`) {
		t.Errorf("push: %d, %+v", status, state)
	}
	if status, body := p.fetch("/web"); status != http.StatusOK || body != "web" {
		t.Errorf("answered %d %q", status, body)
	}
}

func TestHopRulesComeAndGoWithReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	address := backend(t, "web")
	// Both know the upstream: one that comes with a reload is without endpoints
	// until nginx has asked for them.
	known := upstream("known", address)
	direct := p.bundle(site{Workers: 1, Extra: "location = /web { proxy_pass http://known; }"}, known)
	through := p.bundle(p.hopSite("web"), known)
	through.Hop.Upstreams = []bundle.Upstream{upstream("web", address)}
	through.Hop.Rules = []bundle.HopRule{{ID: "web", Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}}}}
	p.mustPush(direct)
	p.eventually("the backend serves", func() bool { status, _ := p.fetch("/web"); return status == http.StatusOK })
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+"/web", nil)
				if err != nil {
					t.Error(err)
					return
				}
				response, err := transport.RoundTrip(request)
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					continue
				}
				if response.StatusCode != http.StatusOK {
					t.Errorf("answered %d", response.StatusCode)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	}
	for range 3 {
		p.mustPush(through)
		p.mustPush(direct)
	}
	cancel()
	clients.Wait()
}
