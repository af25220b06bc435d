package hop_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestWhatTheBackendGetsBehindEnvoysProtocol(t *testing.T) {
	t.Parallel()
	headers := func(list ...*corev3.HeaderValueOption) *authv3.OkHttpResponse {
		return &authv3.OkHttpResponse{Headers: list}
	}
	tests := map[string]struct {
		rule   func(*bundle.HopRule)
		said   *authv3.CheckResponse
		header http.Header
		line   string
		want   string
	}{
		"nothing more, by the status alone": {said: &authv3.CheckResponse{Status: &rpc.Status{}}, header: http.Header{"X-Kept": {"kept"}}, want: "X-Kept=kept"},
		"nothing more, without a status":    {said: &authv3.CheckResponse{HttpResponse: letIn(headers()).HttpResponse}, want: ""},
		"no header that the client wrote": {
			said: letIn(headers(option("x-user", "bob"))), header: http.Header{"X-User": {"admin", "root"}, "X-Kept": {"kept"}},
			want: "X-Kept=kept X-User=bob",
		},
		"the last of several values": {said: letIn(headers(option("X-USER", "bob"), option("x-user", "eve"))), want: "X-User=eve"},
		"a header beside the client's, where it is to be so": {
			said: letIn(headers(appending("x-groups", "a"), appending("x-groups", "b"), appending("x-new", "n"))), header: http.Header{"X-Groups": {"c"}},
			want: "X-Groups=c|a|b X-New=n",
		},
		"a header beside the server's, and not the client's": {
			said: letIn(headers(option("x-groups", "a"), appending("x-groups", "b"))), header: http.Header{"X-Groups": {"c"}}, want: "X-Groups=a|b",
		},
		"the older field before the newer": {
			said: letIn(headers(func() *corev3.HeaderValueOption {
				o := appending("x-a", "b")
				o.AppendAction = corev3.HeaderValueOption_OVERWRITE_IF_EXISTS
				return o
			}())),
			header: http.Header{"X-A": {"a"}}, want: "X-A=a|b",
		},
		"a header only if there is none": {
			said:   letIn(headers(acting("x-a", "s", corev3.HeaderValueOption_ADD_IF_ABSENT), acting("x-b", "s", corev3.HeaderValueOption_ADD_IF_ABSENT))),
			header: http.Header{"X-A": {"c"}}, want: "X-A=c X-B=s",
		},
		"a header only if there is one": {
			said:   letIn(headers(acting("x-a", "s", corev3.HeaderValueOption_OVERWRITE_IF_EXISTS), acting("x-b", "s", corev3.HeaderValueOption_OVERWRITE_IF_EXISTS))),
			header: http.Header{"X-A": {"c"}}, want: "X-A=s",
		},
		"a header in any case": {
			said:   letIn(headers(acting("x-a", "s", corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD))),
			header: http.Header{"X-A": {"c", "d"}}, want: "X-A=s",
		},
		"bytes that are no text": {
			said: letIn(headers(&corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: "x-a", RawValue: []byte("\xe9")}})), want: "X-A=\xe9",
		},
		"no header that is to go": {
			said:   letIn(&authv3.OkHttpResponse{HeadersToRemove: []string{"authorization", "x-absent", "Host", ":path", "content-length", "transfer-encoding"}}),
			header: http.Header{"Authorization": {"Bearer x"}, "X-Kept": {"kept"}}, want: "X-Kept=kept",
		},
		"another query": {
			said: letIn(&authv3.OkHttpResponse{
				QueryParametersToSet: []*corev3.QueryParameter{{Key: "user", Value: "bob"}}, QueryParametersToRemove: []string{"token"},
			}),
			line: "/x?a=b&user=bob", want: "",
		},
		"another query of another path": {
			rule: func(r *bundle.HopRule) {
				r.GRPCAuth.Backends[0].Rewrite = &bundle.HopRewrite{Path: &bundle.HopPath{Prefix: "/x", Value: "/new"}}
			},
			said: letIn(&authv3.OkHttpResponse{QueryParametersToRemove: []string{"token", "user"}}), line: "/new?a=b", want: "",
		},
		"what the rule changes, afterwards": {
			rule: func(r *bundle.HopRule) {
				r.GRPCAuth.Backends[0].RequestHeaders = []bundle.HopHeaderChange{
					{Action: bundle.HopHeaderAdd, Name: "X-User", Value: "gateway"}, {Action: bundle.HopHeaderRemove, Name: "X-Other"},
				}
			},
			said: letIn(headers(option("x-user", "bob"), option("x-other", "x"))), want: "X-User=bob|gateway",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var got seen
			r.guardedByCalls(test.rule, authorization(t, says(test.said)), backend(t, func(_ http.ResponseWriter, r *http.Request) { got.add(r) }))
			request := r.request(http.MethodPost, "/x?a=b&user=admin&token=t", strings.NewReader("text"))
			request.Header["User-Agent"] = []string{""}
			request.Header["Accept-Encoding"] = nil
			for name, values := range test.header {
				request.Header[name] = values
			}
			r.do(request).want(t, http.StatusOK)
			line := test.line
			if line == "" {
				line = "/x?a=b&user=admin&token=t"
			}
			want := strings.TrimSpace("POST www.example.net" + line + ` "text" Content-Length=4 ` + test.want)
			if diff := cmp.Diff([]string{want}, got.all()); diff != "" {
				t.Errorf("the backend got (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheServerAddsHeadersToTheResponseOfWhatItLetsIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.guardedByCalls(nil, authorization(t, says(letIn(&authv3.OkHttpResponse{ResponseHeadersToAdd: []*corev3.HeaderValueOption{
		option("set-cookie", "session=2"), appending("set-cookie", "other=1"),
		acting("x-kept", "server", corev3.HeaderValueOption_ADD_IF_ABSENT), acting("x-replaced", "server", corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD),
	}}))), backend(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"Set-Cookie", "X-Kept", "X-Replaced"} {
			w.Header().Set(name, "backend")
		}
	}))
	for range 2 {
		got := r.get("/").want(t, http.StatusOK).header
		got.Del("Date")
		want := http.Header{
			"Set-Cookie": {"backend", "session=2", "other=1"}, "X-Kept": {"backend"}, "X-Replaced": {"server"}, "Content-Length": {"0"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answered (-want +got):\n%s", diff)
		}
	}
}

func TestBodiesThatAreTooLongForACallAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	server := authorization(t, func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
		t.Error("the server was asked")
		return letIn(nil), nil
	})
	r.guardedByCalls(func(r *bundle.HopRule) { r.GRPCAuth.MaxBodyBytes = 4 }, server, never(t))
	for _, body := range []io.Reader{strings.NewReader("texts"), io.MultiReader(strings.NewReader("te"), strings.NewReader("xts"))} {
		r.do(r.request(http.MethodPost, "/", body)).want(t, http.StatusRequestEntityTooLarge)
	}
}

func TestAServerIsCalledOnceForARequestAndItsRetriesAndUpgrades(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := strings.Repeat("x", 65535)
	var asked, tried atomic.Int64
	r.guardedByCalls(func(rule *bundle.HopRule) {
		rule.GRPCAuth.MaxBodyBytes = 65535
		rule.Retry = &bundle.HopRetry{Attempts: 2, Codes: []int{503}}
	}, authorization(t, func(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
		asked.Add(1)
		if n := len(r.GetAttributes().GetRequest().GetHttp().GetBody()); n != len(text) {
			t.Errorf("told of %d bytes", n)
		}
		return letIn(&authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{appending("x-user", "bob")}}), nil
	}), backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if users := r.Header["X-User"]; err != nil || string(body) != text || !slices.Equal(users, []string{"bob"}) {
			t.Errorf("the backend got %d bytes and %q: %v", len(body), users, err)
		}
		if tried.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	r.do(r.request(http.MethodPost, "/", io.MultiReader(strings.NewReader(text)))).want(t, http.StatusOK)
	if asked.Load() != 1 || tried.Load() != 3 {
		t.Errorf("asked %d times, tried %d times", asked.Load(), tried.Load())
	}
}

func TestCallsShareAConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var connections sync.Map
	r.guardedByCalls(nil, h2c(t, func(w http.ResponseWriter, r *http.Request) {
		connections.Store(r.RemoteAddr, nil)
		server := grpc.NewServer()
		authv3.RegisterAuthorizationServer(server, check(func(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
			if r.GetAttributes().GetRequest().GetHttp().GetPath() == "/no" {
				return deny(&authv3.DeniedHttpResponse{Body: "no"}), nil
			}
			return letIn(nil), nil
		}))
		server.ServeHTTP(w, r)
	}), named(t, "web"))
	for range 10 {
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

func TestAServerIsCalledByTLSWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	certificate := a.issue(t, []string{"auth.example.net"})
	pair, err := tls.X509KeyPair(certificate, certificate)
	if err != nil {
		t.Fatal(err)
	}
	good := authorization(t, says(letIn(nil)), grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	// It would say yes to anyone, by HTTP/1.1.
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		_, _ = io.WriteString(w, frame("\x0a\x00"))
	}))
	old.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	old.StartTLS()
	t.Cleanup(old.Close)
	for name, test := range map[string]struct {
		server, hostname string
		want             int
	}{
		"of its name":             {good, "auth.example.net", http.StatusOK},
		"of another name":         {good, "other.example.net", http.StatusBadGateway},
		"that speaks no HTTP/2":   {old.Listener.Addr().String(), "auth.example.net", http.StatusBadGateway},
		"that cannot be found at": {closedPort(t), "auth.example.net", http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := bundle.Bundle{
				Files: []bundle.File{{Path: "ca/test.pem", Data: a.pem}},
				Hop: bundle.Hop{
					Rules: []bundle.HopRule{{ID: "rule", GRPCAuth: &bundle.HopGRPCAuth{
						Server: bundle.HopBackend{
							Upstream: "auth", Weight: 1, HTTP2: true, TLS: &bundle.HopTLS{Hostname: test.hostname, CA: "ca/test.pem"},
						},
						TimeoutMillis: 10_000, Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}},
					}}},
					Upstreams: []bundle.Upstream{upstream("auth", test.server), upstream("web", named(t, "web"))},
				},
			}
			r.use(b)
			r.get("/").want(t, test.want)
		})
	}
}

func TestCallsThatContradictThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bundle.HopRule){
		"backends that nobody guards": func(r *bundle.HopRule) { r.Backends = r.GRPCAuth.Backends },
		"two servers": func(r *bundle.HopRule) {
			r.Auth = &bundle.HopAuth{Server: r.GRPCAuth.Server, TimeoutMillis: 1, Backends: r.GRPCAuth.Backends}
		},
		"no HTTP/2":                   func(r *bundle.HopRule) { r.GRPCAuth.Server.HTTP2 = false },
		"no time":                     func(r *bundle.HopRule) { r.GRPCAuth.TimeoutMillis = 0 },
		"a negative size":             func(r *bundle.HopRule) { r.GRPCAuth.MaxBodyBytes = -1 },
		"a size beyond what is kept":  func(r *bundle.HopRule) { r.GRPCAuth.MaxBodyBytes = 65536 },
		"a server that is not there":  func(r *bundle.HopRule) { r.GRPCAuth.Server.Upstream = "missing" },
		"a header that is none":       func(r *bundle.HopRule) { r.GRPCAuth.RequestHeaders = []string{"x a"} },
		"a header that is never told": func(r *bundle.HopRule) { r.GRPCAuth.RequestHeaders = []string{"X-A"} },
	} {
		rule := bundle.HopRule{ID: "rule", GRPCAuth: &bundle.HopGRPCAuth{
			Server: bundle.HopBackend{Upstream: "web", Weight: 1, HTTP2: true}, TimeoutMillis: 1,
			Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}},
		}}
		change(&rule)
		b := bundle.Bundle{Hop: bundle.Hop{Rules: []bundle.HopRule{rule}, Upstreams: []bundle.Upstream{upstream("web", "127.0.0.1:1")}}}
		if _, err := newRig(t).hop.Prepare(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// An agent that knows nothing of GRPCAuth reads a rule without backends, and none
// with an authorization server that it would ask by HTTP.
func TestOldAgentsLetNobodyInBehindEnvoysProtocol(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(bundle.HopRule{ID: "rule", GRPCAuth: &bundle.HopGRPCAuth{
		Server: bundle.HopBackend{Upstream: "auth", Weight: 1, HTTP2: true}, TimeoutMillis: 1, Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var known map[string]any
	if err := json.Unmarshal(data, &known); err != nil {
		t.Fatal(err)
	}
	delete(known, "grpcAuth")
	if diff := cmp.Diff(map[string]any{"id": "rule"}, known); diff != "" {
		t.Errorf("they read (-want +got):\n%s", diff)
	}
}
