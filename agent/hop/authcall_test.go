package hop_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/google/go-cmp/cmp"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// check answers questions, as a server of Envoy's protocol.
type check func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error)

func (c check) Check(ctx context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	return c(ctx, r)
}

// says always gives the same answer.
func says(r *authv3.CheckResponse) check {
	return func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) { return r, nil }
}

// authorization serves the answers on loopback, by the server that most have.
func authorization(t testing.TB, answer check, options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	authv3.RegisterAuthorizationServer(server, answer)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

// guardedByCalls uses the rule "rule" with a backend behind a server of Envoy's
// protocol, which the changes complete.
func (r *rig) guardedByCalls(changes func(*bundle.HopRule), server, backend string) {
	r.t.Helper()
	rule := bundle.HopRule{ID: "rule", GRPCAuth: &bundle.HopGRPCAuth{
		Server:        bundle.HopBackend{Upstream: "auth", Weight: 1, HTTP2: true},
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

func letIn(r *authv3.OkHttpResponse) *authv3.CheckResponse {
	return &authv3.CheckResponse{Status: &rpc.Status{}, HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: r}}
}

func deny(r *authv3.DeniedHttpResponse) *authv3.CheckResponse {
	return &authv3.CheckResponse{
		Status: &rpc.Status{Code: int32(codes.PermissionDenied)}, HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: r},
	}
}

func option(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: name, Value: value}}
}

func appending(name, value string) *corev3.HeaderValueOption {
	o := option(name, value)
	o.Append = wrapperspb.Bool(true) //nolint:staticcheck // servers still write it
	return o
}

func acting(name, value string, action corev3.HeaderValueOption_HeaderAppendAction) *corev3.HeaderValueOption {
	o := option(name, value)
	o.AppendAction = action
	return o
}

// frame is a message on the wire.
func frame(message string) string {
	n := len(message)
	return string([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + message
}

// wire answers a call with these bytes, and what else the reply says.
func wire(body string, reply http.Header) func(t *testing.T) string {
	return func(t *testing.T) string {
		return h2c(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			header := http.Header{"Content-Type": {"application/grpc"}, http.TrailerPrefix + "Grpc-Status": {"0"}}
			for name, values := range reply {
				header[name] = values
				if values == nil {
					delete(header, name)
				}
			}
			for name, values := range header {
				w.Header()[name] = values
			}
			_, _ = io.WriteString(w, body)
		})
	}
}

func TestNobodyComesThroughWithoutAVerdict(t *testing.T) {
	t.Parallel()
	const yes = "\x0a\x00"
	call := func(answer check) func(*testing.T) string {
		return func(t *testing.T) string { return authorization(t, answer) }
	}
	fails := func(code codes.Code) check {
		return func(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
			return letIn(nil), status.Error(code, "no\nverdict")
		}
	}
	silent := call(func(ctx context.Context, _ *authv3.CheckRequest) (*authv3.CheckResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	tests := map[string]struct {
		server func(t *testing.T) string
		rule   func(*bundle.HopRule)
		want   int
	}{
		"it cannot be reached":                {server: func(t *testing.T) string { return closedPort(t) }, want: http.StatusBadGateway},
		"it has no endpoints":                 {server: func(*testing.T) string { return "127.0.0.1:29503" }, want: http.StatusServiceUnavailable},
		"it is not there":                     {server: func(*testing.T) string { return "127.0.0.1:29500" }, want: http.StatusInternalServerError},
		"it speaks no HTTP/2":                 {server: func(t *testing.T) string { return named(t, "plain") }, want: http.StatusBadGateway},
		"it has no such service":              {server: unimplemented, want: http.StatusBadGateway},
		"it refuses the call":                 {server: call(fails(codes.PermissionDenied)), want: http.StatusBadGateway},
		"it fails":                            {server: call(fails(codes.Internal)), want: http.StatusBadGateway},
		"it is overloaded":                    {server: call(fails(codes.Unavailable)), want: http.StatusBadGateway},
		"it says nothing":                     {server: call(says(&authv3.CheckResponse{})), want: http.StatusBadGateway},
		"it says too much":                    {server: call(says(letIn(&authv3.OkHttpResponse{HeadersToRemove: []string{strings.Repeat("x", 256<<10)}}))), want: http.StatusBadGateway},
		"it says much too much":               {server: call(says(letIn(&authv3.OkHttpResponse{HeadersToRemove: []string{strings.Repeat("x", 32<<20)}}))), want: http.StatusBadGateway},
		"it answers as a web server":          {server: wire("yes", http.Header{"Content-Type": {"text/plain"}}), want: http.StatusBadGateway},
		"it answers for browsers":             {server: wire(frame(yes), http.Header{"Content-Type": {"application/grpc-web"}}), want: http.StatusBadGateway},
		"it sends garbage":                    {server: wire("\xff\xff\xff\xff\xff\xff\xff", nil), want: http.StatusBadGateway},
		"it sends a message that is garbage":  {server: wire(frame(yes+"\xff"), nil), want: http.StatusBadGateway},
		"it sends no message":                 {server: wire("", nil), want: http.StatusBadGateway},
		"it sends half a message":             {server: wire(frame(yes)[:6], nil), want: http.StatusBadGateway},
		"it sends two messages":               {server: wire(frame(yes)+frame(yes), nil), want: http.StatusBadGateway},
		"it compresses":                       {server: wire("\x01"+frame(yes)[1:], nil), want: http.StatusBadGateway},
		"it says yes and that the call fails": {server: wire(frame(yes), http.Header{http.TrailerPrefix + "Grpc-Status": {"2"}}), want: http.StatusBadGateway},
		"it says yes and both":                {server: wire(frame(yes), http.Header{http.TrailerPrefix + "Grpc-Status": {"0", "2"}}), want: http.StatusBadGateway},
		"it says yes and no status":           {server: wire(frame(yes), http.Header{http.TrailerPrefix + "Grpc-Status": nil}), want: http.StatusBadGateway},
		"it hangs up": {
			server: func(t *testing.T) string {
				return h2c(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/grpc")
					_, _ = io.WriteString(w, frame(yes))
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				})
			},
			want: http.StatusBadGateway,
		},
		"it is silent": {
			server: silent, rule: func(r *bundle.HopRule) { r.GRPCAuth.TimeoutMillis = 100 }, want: http.StatusGatewayTimeout,
		},
		"it is silent until the request's time is up": {
			server: silent, rule: func(r *bundle.HopRule) { r.RequestTimeoutMillis = 100 }, want: http.StatusGatewayTimeout,
		},
		"it says yes and does not end": {
			server: func(t *testing.T) string {
				return h2c(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/grpc")
					_, _ = io.WriteString(w, frame(yes))
					_ = http.NewResponseController(w).Flush()
					<-r.Context().Done()
				})
			},
			rule: func(r *bundle.HopRule) { r.GRPCAuth.TimeoutMillis = 100 }, want: http.StatusGatewayTimeout,
		},
		"it takes plain text for TLS": {
			server: call(says(letIn(nil))),
			rule: func(r *bundle.HopRule) {
				r.GRPCAuth.Server.TLS = &bundle.HopTLS{Hostname: "auth.example.net"}
			},
			want: http.StatusBadGateway,
		},
		"it writes a header that is none": {
			server: call(says(letIn(&authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{option("x a", "b")}}))), want: http.StatusBadGateway,
		},
		"it writes two headers as one": {
			server: call(says(letIn(&authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{option("x-a", "b\r\nX-B: c")}}))), want: http.StatusBadGateway,
		},
		"it rewrites the path, which is not done": {
			server: call(says(letIn(&authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{option(":path", "/public")}}))), want: http.StatusBadGateway,
		},
		"it rewrites the host, which is not done": {
			server: call(says(letIn(&authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{option("Host", "other")}}))), want: http.StatusBadGateway,
		},
		"it frames the response": {
			server: call(says(letIn(&authv3.OkHttpResponse{ResponseHeadersToAdd: []*corev3.HeaderValueOption{option("content-length", "1")}}))),
			want:   http.StatusBadGateway,
		},
		"it does something unheard of": {
			server: call(says(letIn(&authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{acting("x-a", "b", 4)}}))), want: http.StatusBadGateway,
		},
		"it denies with a status that is none": {
			server: call(says(deny(&authv3.DeniedHttpResponse{Status: &typev3.HttpStatus{Code: 101}}))), want: http.StatusBadGateway,
		},
	}
	for name, test := range tests {
		nobodyIsLetIn(t, name, test.want, func(t *testing.T, r *rig) { r.guardedByCalls(test.rule, test.server(t), never(t)) })
	}
}

func unimplemented(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return l.Addr().String()
}

func TestADenialIsTheClients(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer *authv3.CheckResponse
		want   answer
	}{
		"without more": {
			answer: &authv3.CheckResponse{Status: &rpc.Status{Code: 7}},
			want:   answer{status: 403, body: "403 Forbidden\n", header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}},
		},
		"though there are changes to make": {
			answer: &authv3.CheckResponse{Status: &rpc.Status{Code: 16}, HttpResponse: letIn(&authv3.OkHttpResponse{}).HttpResponse},
			want:   answer{status: 403, body: "403 Forbidden\n", header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}},
		},
		"with nothing in it": {answer: deny(&authv3.DeniedHttpResponse{}), want: answer{status: 403}},
		"though the status is OK": {
			answer: &authv3.CheckResponse{Status: &rpc.Status{}, HttpResponse: deny(&authv3.DeniedHttpResponse{}).HttpResponse},
			want:   answer{status: 403},
		},
		"of an error": {
			answer: &authv3.CheckResponse{Status: &rpc.Status{Code: 13}, HttpResponse: &authv3.CheckResponse_ErrorResponse{ErrorResponse: &authv3.DeniedHttpResponse{
				Status: &typev3.HttpStatus{Code: 503}, Body: "later",
			}}},
			want: answer{status: 503, body: "later", header: http.Header{"Content-Type": {"text/plain"}}},
		},
		"with all that there may be": {
			answer: deny(&authv3.DeniedHttpResponse{
				Status: &typev3.HttpStatus{Code: 401}, Body: "<p>who are you?",
				Headers: []*corev3.HeaderValueOption{
					option("www-authenticate", `Basic realm="home"`), option("content-type", "text/html"),
					option("set-cookie", "a=b"), option("set-cookie", "c=d"),
					option("x-a", "a"), acting("x-a", "b", corev3.HeaderValueOption_ADD_IF_ABSENT),
					// Those of a connection are the hop's.
					option("content-length", "3"), option("transfer-encoding", "chunked"), option("connection", "close"),
				},
			}),
			want: answer{status: 401, body: "<p>who are you?", header: http.Header{
				"Www-Authenticate": {`Basic realm="home"`}, "Content-Type": {"text/html"}, "Set-Cookie": {"a=b", "c=d"}, "X-A": {"a"},
			}},
		},
		"as a redirect": {
			answer: deny(&authv3.DeniedHttpResponse{
				Status: &typev3.HttpStatus{Code: 302}, Headers: []*corev3.HeaderValueOption{option("Location", "https://sso.example.net/")},
			}),
			want: answer{status: 302, header: http.Header{"Location": {"https://sso.example.net/"}}},
		},
		"without a body where there can be none": {
			answer: deny(&authv3.DeniedHttpResponse{Status: &typev3.HttpStatus{Code: 204}, Body: "text"}), want: answer{status: 204},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.guardedByCalls(nil, authorization(t, says(test.answer)), never(t))
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
				var body io.Reader
				if method == http.MethodPost {
					body = strings.NewReader(strings.Repeat("x", 1<<20))
				}
				want := test.want
				if method == http.MethodHead {
					want.body = ""
				}
				got := r.do(r.request(method, "/", body)).want(t, test.want.status)
				for _, name := range []string{"Date", "Content-Length", "Connection"} {
					got.header.Del(name)
				}
				if want.header == nil {
					want.header = http.Header{}
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{})); diff != "" {
					t.Errorf("%s (-want +got):\n%s", method, diff)
				}
			}
		})
	}
}

// question is what a server was told, for comparison.
type question struct {
	Method, Path, Host, Scheme string
	Headers                    map[string]string
	Size                       int64
	Body                       string
	RawBody                    []byte
	Source                     string
}

func TestWhatIsAskedByEnvoysProtocol(t *testing.T) {
	t.Parallel()
	usual := func(changes func(*question)) question {
		q := question{Method: "GET", Path: "/x?y=z", Host: "www.example.net", Scheme: "https", Source: "192.0.2.7"}
		q.Headers = map[string]string{"host": q.Host, "x-forwarded-proto": "https", "x-real-ip": q.Source}
		changes(&q)
		return q
	}
	tests := map[string]struct {
		rule   func(*bundle.HopGRPCAuth)
		method string
		target string
		header http.Header
		body   io.Reader
		want   question
	}{
		"all headers, in lower case, one for each name": {
			header: http.Header{
				"Authorization": {"Bearer x"}, "Cookie": {"a=b", "c=d"}, "X-A": {"a", "b"}, "X-Latin": {"\xe9"}, "X-Empty": {""},
				"Connection": {"Upgrade, X-Hop"}, "Upgrade": {"websocket"}, "X-Hop": {"for the hop"},
			},
			want: usual(func(q *question) {
				q.Headers["authorization"], q.Headers["cookie"], q.Headers["x-a"] = "Bearer x", "a=b; c=d", "a, b"
				q.Headers["x-latin"], q.Headers["x-empty"] = "\uFFFD", ""
			}),
		},
		"named headers and no others": {
			rule:   func(a *bundle.HopGRPCAuth) { a.RequestHeaders = []string{"x-a", "x-absent"} },
			header: http.Header{"Authorization": {"Bearer x"}, "X-A": {"a"}},
			want:   usual(func(q *question) { q.Headers = map[string]string{"x-a": "a"} }),
		},
		"the host, by its name": {
			rule:   func(a *bundle.HopGRPCAuth) { a.RequestHeaders = []string{"host"} },
			header: http.Header{"Authorization": {"Bearer x"}},
			want:   usual(func(q *question) { q.Headers = map[string]string{"host": q.Host} }),
		},
		"not beside the path":    {target: "/public/%2e%2e/../x?a=/../b", want: usual(func(q *question) { q.Path = "/x?a=/../b" })},
		"the path as it is":      {target: "/a%2Fb%20c?", want: usual(func(q *question) { q.Path = "/a%2Fb%20c?" })},
		"another method":         {method: http.MethodDelete, want: usual(func(q *question) { q.Method = "DELETE" })},
		"a size without a body":  {method: http.MethodPost, body: strings.NewReader("text"), want: usual(func(q *question) { q.Method, q.Size, q.Headers["content-length"] = "POST", 4, "4" })},
		"a size nobody knows":    {method: http.MethodPost, body: io.MultiReader(strings.NewReader("text")), want: usual(func(q *question) { q.Method, q.Size = "POST", -1 })},
		"a body":                 {rule: atMost(4), method: http.MethodPost, body: io.MultiReader(strings.NewReader("text")), want: usual(func(q *question) { q.Method, q.Size, q.Body = "POST", 4, "text" })},
		"a body that is no text": {rule: atMost(4), method: http.MethodPost, body: io.MultiReader(strings.NewReader("a\x00\xff")), want: usual(func(q *question) { q.Method, q.Size, q.Body, q.RawBody = "POST", 3, "a\x00\uFFFD", []byte("a\x00\xff") })},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var got atomic.Pointer[question]
			r.guardedByCalls(func(r *bundle.HopRule) {
				if test.rule != nil {
					test.rule(r.GRPCAuth)
				}
			}, authorization(t, func(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
				if err := r.ValidateAll(); err != nil {
					t.Error(err)
				}
				h := r.GetAttributes().GetRequest().GetHttp()
				got.Store(&question{
					h.GetMethod(), h.GetPath(), h.GetHost(), h.GetScheme(), h.GetHeaders(), h.GetSize(), h.GetBody(), h.GetRawBody(),
					r.GetAttributes().GetSource().GetAddress().GetSocketAddress().GetAddress(),
				})
				return deny(&authv3.DeniedHttpResponse{}), nil
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
			request.Header["User-Agent"] = []string{""}
			request.Header["X-Real-Ip"], request.Header["X-Forwarded-Proto"] = []string{"192.0.2.7"}, []string{"https"}
			for name, values := range test.header {
				request.Header[name] = values
			}
			r.do(request).want(t, http.StatusForbidden)
			if diff := cmp.Diff(&test.want, got.Load()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func atMost(size int64) func(*bundle.HopGRPCAuth) {
	return func(a *bundle.HopGRPCAuth) { a.MaxBodyBytes = size }
}
