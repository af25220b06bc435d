package hop_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// guarded uses the rule "rule" with a backend behind an authorization server,
// which the changes complete.
func (r *rig) guarded(changes func(*bundle.HopRule), server, backend string) {
	r.t.Helper()
	rule := bundle.HopRule{ID: "rule", Auth: &bundle.HopAuth{
		Server:        bundle.HopBackend{Upstream: "auth", Weight: 1, Rewrite: &bundle.HopRewrite{Path: &bundle.HopPath{Prefix: "/", Value: "/"}}},
		TimeoutMillis: 10_000,
		Backends:      []bundle.HopBackend{{Upstream: "web", Weight: 1}},
	}}
	if changes != nil {
		changes(&rule)
	}
	r.use(bundle.Bundle{Hop: bundle.Hop{
		Rules:     []bundle.HopRule{rule},
		Upstreams: []bundle.Upstream{upstream("auth", server), upstream("web", backend)},
	}})
}

// seen are the requests that a server got.
type seen struct {
	mu   sync.Mutex
	list []string
}

func (s *seen) add(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	line := fmt.Sprintf("%s %s%s %q", r.Method, r.Host, r.RequestURI, body)
	if err != nil {
		line += " " + err.Error()
	}
	var names []string
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		line += fmt.Sprintf(" %s=%s", name, strings.Join(r.Header[name], "|"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, line)
}

func (s *seen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// never is a backend that no request may reach.
func never(t *testing.T) string {
	t.Helper()
	return backend(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s came through", r.Method, r.URL)
	})
}

func TestNobodyComesThroughWithoutA200(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		server func(t *testing.T) string
		rule   func(*bundle.HopRule)
		want   int
	}{
		"it cannot be reached": {server: func(t *testing.T) string { return closedPort(t) }, want: http.StatusBadGateway},
		"it has no endpoints":  {server: func(*testing.T) string { return "127.0.0.1:29503" }, want: http.StatusServiceUnavailable},
		"it is not there":      {server: func(*testing.T) string { return "127.0.0.1:29500" }, want: http.StatusInternalServerError},
		"it speaks no HTTP": {
			server: func(t *testing.T) string {
				return backend(t, func(w http.ResponseWriter, _ *http.Request) {
					c, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.WriteString(c, "200 OK\r\n\r\n")
					_ = c.Close()
				})
			},
			want: http.StatusBadGateway,
		},
		"it hangs up": {
			server: func(t *testing.T) string {
				return backend(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			},
			want: http.StatusBadGateway,
		},
		"it is silent": {
			server: func(t *testing.T) string {
				return backend(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			},
			rule: func(r *bundle.HopRule) { r.Auth.TimeoutMillis = 100 },
			want: http.StatusGatewayTimeout,
		},
		"it is silent until the request's time is up": {
			server: func(t *testing.T) string {
				return backend(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			},
			rule: func(r *bundle.HopRule) { r.RequestTimeoutMillis = 100 },
			want: http.StatusGatewayTimeout,
		},
		"it switches protocols": {
			server: func(t *testing.T) string {
				return backend(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Connection", "Upgrade")
					w.Header().Set("Upgrade", "websocket")
					w.WriteHeader(http.StatusSwitchingProtocols)
				})
			},
			want: http.StatusBadGateway,
		},
		"it takes plain text for TLS": {
			server: func(t *testing.T) string { return named(t, "plain") },
			rule: func(r *bundle.HopRule) {
				r.Auth.Server.TLS = &bundle.HopTLS{Hostname: "auth.example.net"}
			},
			want: http.StatusBadGateway,
		},
	}
	for name, test := range tests {
		nobodyIsLetIn(t, name, test.want, func(t *testing.T, r *rig) { r.guarded(test.rule, test.server(t), never(t)) })
	}
}

func TestOnlyA200IsAYesAndOtherAnswersAreTheClients(t *testing.T) {
	t.Parallel()
	for _, code := range []int{201, 202, 204, 206, 301, 302, 304, 400, 401, 403, 404, 418, 500, 503} {
		r := newRig(t)
		r.guarded(nil, backend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="home"`)
			w.Header()["Set-Cookie"] = []string{"a=b", "c=d"}
			w.Header().Set("Connection", "X-Hop")
			w.Header().Set("X-Hop", "for the hop")
			w.WriteHeader(code)
			if code != 204 && code != 304 {
				_, _ = io.WriteString(w, "who are you?")
			}
		}), never(t))
		got := r.get("/").want(t, code)
		if code != 204 && code != 304 && got.body != "who are you?" {
			t.Errorf("%d: body %q", code, got.body)
		}
		want := http.Header{"Www-Authenticate": {`Basic realm="home"`}, "Set-Cookie": {"a=b", "c=d"}}
		for name, values := range want {
			if diff := cmp.Diff(values, got.header[name]); diff != "" {
				t.Errorf("%d: %s (-want +got):\n%s", code, name, diff)
			}
		}
		if got.header.Get("X-Hop") != "" {
			t.Errorf("%d: a header of another connection was passed on", code)
		}
	}
}

func TestWhatTheAuthorizationServerIsAsked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule   func(*bundle.HopRule)
		method string
		target string
		header http.Header
		body   io.Reader
		want   string
	}{
		"who it is, and nothing else": {
			header: http.Header{"Authorization": {"Bearer x"}, "Cookie": {"a=b"}, "X-A": {"a"}, "Accept": {"*/*"}},
			want:   `GET www.example.net/x?y=z "" Authorization=Bearer x Content-Length=0`,
		},
		"what the rule allows": {
			rule:   func(r *bundle.HopRule) { r.Auth.RequestHeaders = []string{"cookie", "x-a", "x-absent", "expect"} },
			header: http.Header{"Cookie": {"a=b"}, "X-A": {"a", "b"}, "X-B": {"b"}},
			want:   `GET www.example.net/x?y=z "" Content-Length=0 Cookie=a=b X-A=a|b`,
		},
		"below a path": {
			rule: func(r *bundle.HopRule) { r.Auth.Server.Rewrite.Path.Value = "/auth/" },
			want: `GET www.example.net/auth/x?y=z "" Content-Length=0`,
		},
		"not beside the path": {
			rule:   func(r *bundle.HopRule) { r.Auth.Server.Rewrite.Path.Value = "/auth" },
			target: "/public/%2e%2e/../x",
			want:   `GET www.example.net/auth/x "" Content-Length=0`,
		},
		"for the path that was matched": {target: "/public/../x", want: `GET www.example.net/x "" Content-Length=0`},
		"as it is encoded":              {target: "/a%2Fb%20c", want: `GET www.example.net/a%2Fb%20c "" Content-Length=0`},
		"for an upgrade": {
			header: http.Header{"Connection": {"Upgrade, X-A"}, "Upgrade": {"websocket"}, "X-A": {"a"}},
			rule:   func(r *bundle.HopRule) { r.Auth.RequestHeaders = []string{"x-a"} },
			want:   `GET www.example.net/x?y=z "" Content-Length=0`,
		},
		"with another method": {method: http.MethodDelete, want: `DELETE www.example.net/x?y=z "" Content-Length=0`},
		"for a HEAD":          {method: http.MethodHead, want: `HEAD www.example.net/x?y=z "" Content-Length=0`},
		"without the body":    {method: http.MethodPost, body: strings.NewReader("text"), want: `POST www.example.net/x?y=z "" Content-Length=0`},
		"with another's body": {method: http.MethodDelete, body: strings.NewReader("text"), want: `DELETE www.example.net/x?y=z "" Content-Length=0`},
		"with the body":       {rule: withBody(4), method: http.MethodPost, body: strings.NewReader("text"), want: `POST www.example.net/x?y=z "text" Content-Length=4`},
		"with a body of chunks": {
			rule: withBody(4), method: http.MethodPut, body: io.MultiReader(strings.NewReader("text")),
			want: `PUT www.example.net/x?y=z "text" Content-Length=4`,
		},
		"with no body where there is none": {rule: withBody(4), method: http.MethodPost, want: `POST www.example.net/x?y=z "" Content-Length=0`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var asked seen
			r.guarded(test.rule, backend(t, func(w http.ResponseWriter, r *http.Request) {
				asked.add(r)
				w.WriteHeader(http.StatusForbidden)
			}), never(t))
			method, target := test.method, test.target
			if method == "" {
				method = http.MethodGet
			}
			if target == "" {
				target = "/x?y=z"
			}
			request := r.request(method, "/", test.body)
			request.URL.Opaque = target
			for name, values := range test.header {
				request.Header[name] = values
			}
			r.do(request).want(t, http.StatusForbidden)
			if diff := cmp.Diff([]string{test.want}, asked.all()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func withBody(size int64) func(*bundle.HopRule) {
	return func(r *bundle.HopRule) { r.Auth.MaxBodyBytes = size }
}

func TestWhatTheBackendGetsBehindAnAuthorizationServer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule   func(*bundle.HopRule)
		said   http.Header
		header http.Header
		want   string
	}{
		"named headers of the answer": {
			rule: func(r *bundle.HopRule) { r.Auth.ResponseHeaders = []string{"x-user", "x-groups"} },
			said: http.Header{"X-User": {"bob"}, "X-Groups": {"a", "b"}, "X-Other": {"x"}},
			want: `X-Groups=a|b X-User=bob`,
		},
		"no named header that the client wrote": {
			rule:   func(r *bundle.HopRule) { r.Auth.ResponseHeaders = []string{"x-user", "x-groups"} },
			said:   http.Header{"X-User": {"bob"}},
			header: http.Header{"X-User": {"admin"}, "X-Groups": {"admins"}, "X-Kept": {"kept"}},
			want:   `X-Kept=kept X-User=bob`,
		},
		"all headers where none is named, but those of the connection": {
			said: http.Header{
				"X-User": {"bob"}, "Host": {"elsewhere"}, "Keep-Alive": {"x"}, "Upgrade": {"h2c"}, "Trailer": {"X-T"}, "Gatewright-Hop": {"other"},
			},
			header: http.Header{"X-User": {"admin"}, "X-Kept": {"kept"}},
			want:   `X-Kept=kept X-User=bob`,
		},
		"what the rule changes, afterwards": {
			rule: func(r *bundle.HopRule) {
				r.Auth.Backends[0].RequestHeaders = []bundle.HopHeaderChange{
					{Action: bundle.HopHeaderAdd, Name: "X-User", Value: "gateway"}, {Action: bundle.HopHeaderRemove, Name: "X-Other"},
				}
			},
			said: http.Header{"X-User": {"bob"}, "X-Other": {"x"}},
			want: `X-User=bob|gateway`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var got seen
			r.guarded(test.rule, backend(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range test.said {
					w.Header()[name] = values
				}
				w.Header()["Date"] = nil
				w.Header()["Content-Type"] = nil
				_, _ = io.WriteString(w, "yes")
			}), backend(t, func(w http.ResponseWriter, r *http.Request) {
				got.add(r)
				_, _ = io.WriteString(w, "web")
			}))
			request := r.request(http.MethodPost, "/x", strings.NewReader("text"))
			request.Header["User-Agent"] = []string{""}
			for name, values := range test.header {
				request.Header[name] = values
			}
			if a := r.do(request).want(t, http.StatusOK); a.body != "web" {
				t.Errorf("answered %q", a.body)
			}
			want := `POST www.example.net/x "text" Content-Length=4 ` + test.want
			if diff := cmp.Diff([]string{want}, got.all()); diff != "" {
				t.Errorf("the backend got (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodiesThatAreTooLongForAVerdictAreRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]io.Reader{
		"announced": strings.NewReader("texts"), "in chunks": io.MultiReader(strings.NewReader("te"), strings.NewReader("xts")),
		"long, in chunks": io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.guarded(withBody(4), never(t), never(t))
			r.do(r.request(http.MethodPost, "/", body)).want(t, http.StatusRequestEntityTooLarge)
		})
	}
}

func TestABodyThatWasJudgedReachesTheBackendAndItsRetries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := strings.Repeat("x", 65535)
	var got, asked seen
	r.guarded(func(rule *bundle.HopRule) {
		rule.Auth.MaxBodyBytes = 65535
		rule.Retry = &bundle.HopRetry{Attempts: 2, Codes: []int{503}}
	}, backend(t, func(_ http.ResponseWriter, r *http.Request) { asked.add(r) }),
		backend(t, func(w http.ResponseWriter, r *http.Request) {
			got.add(r)
			if len(got.all()) < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
	r.do(r.request(http.MethodPost, "/", io.MultiReader(strings.NewReader(text)))).want(t, http.StatusOK)
	if n := len(asked.all()); n != 1 {
		t.Errorf("the server was asked %d times", n)
	}
	for i, line := range got.all() {
		if !strings.Contains(line, fmt.Sprintf("%q", text)) {
			t.Errorf("attempt %d got %d bytes", i, len(line))
		}
	}
}

func TestConnectionsAreKeptWhereRequestsAreLetInAndWhereTheyAreNot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var connections sync.Map
	answers := func(w http.ResponseWriter, r *http.Request) {
		connections.Store(r.RemoteAddr, nil)
		if r.RequestURI == "/no" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, "an answer with a body")
	}
	r.guarded(withBody(100), backend(t, answers), named(t, "web"))
	for range 20 {
		r.post("/", "text").want(t, http.StatusOK)
		r.post("/no", "text").want(t, http.StatusForbidden)
		r.get("/").want(t, http.StatusOK)
	}
	n := 0
	connections.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("the server was connected to %d times", n)
	}
}

func TestAuthorizationThatContradictsItselfIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bundle.HopRule){
		"backends that nobody guards":  func(r *bundle.HopRule) { r.Backends = r.Auth.Backends },
		"no time":                      func(r *bundle.HopRule) { r.Auth.TimeoutMillis = 0 },
		"a negative size":              func(r *bundle.HopRule) { r.Auth.MaxBodyBytes = -1 },
		"a size beyond what is kept":   func(r *bundle.HopRule) { r.Auth.MaxBodyBytes = 65536 },
		"a server that is not there":   func(r *bundle.HopRule) { r.Auth.Server.Upstream = "missing" },
		"a header that is none":        func(r *bundle.HopRule) { r.Auth.RequestHeaders = []string{"X A"} },
		"a header that frames":         func(r *bundle.HopRule) { r.Auth.ResponseHeaders = []string{"content-length"} },
		"a header that names the rule": func(r *bundle.HopRule) { r.Auth.ResponseHeaders = []string{bundle.HopHeader} },
		"a host in the answer":         func(r *bundle.HopRule) { r.Auth.ResponseHeaders = []string{"Host"} },
	} {
		rule := bundle.HopRule{ID: "rule", Auth: &bundle.HopAuth{
			Server: bundle.HopBackend{Upstream: "web", Weight: 1}, TimeoutMillis: 1,
			Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}},
		}}
		change(&rule)
		b := bundle.Bundle{Hop: bundle.Hop{Rules: []bundle.HopRule{rule}, Upstreams: []bundle.Upstream{upstream("web", "127.0.0.1:1")}}}
		if _, err := newRig(t).hop.Prepare(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// An agent that knows nothing of Auth reads the rule as one without backends.
func TestARuleWithoutBackendsLetsNobodyIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.use(bundle.Bundle{Hop: bundle.Hop{Rules: []bundle.HopRule{{ID: "rule"}}}})
	r.get("/").want(t, http.StatusInternalServerError)
}

// nobodyIsLetIn sends a request without a body and one with it through a rule that
// is guarded in that way, and expects the status.
func nobodyIsLetIn(t *testing.T, name string, want int, guard func(*testing.T, *rig)) {
	t.Helper()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(name+", "+method, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			guard(t, r)
			var body io.Reader
			if method == http.MethodPost {
				body = strings.NewReader("text")
			}
			r.do(r.request(method, "/", body)).want(t, want)
			if n := r.hop.Stats().Denied; n != 1 {
				t.Errorf("%d were denied", n)
			}
		})
	}
}
