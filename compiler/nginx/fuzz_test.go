package nginx

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/corpus/conftree"
)

// fields are all the texts that users write and that reach Render. Checks of
// the graph that come before it are left out, so the printer stands alone.
var fields = map[string]func(s string, p places){
	"exact path":        func(s string, p places) { p.exact.Path = "/e" + s + "e" },
	"prefix":            func(s string, p places) { p.prefix.Path = "/p" + s + "p" },
	"prefix replaced":   func(s string, p places) { p.replaced.Path = "/r" + s + "r" },
	"redirected prefix": func(s string, p places) { p.redirected.Path = "/d" + s + "d" },
	"path expression":   func(s string, p places) { p.regex.Path = s },
	"method":            func(s string, p places) { p.prefix.Method = "M" + s },
	"header name":       func(s string, p places) { p.prefix.Headers[0].Name = "Z" + s },
	"header value":      func(s string, p places) { p.prefix.Headers[0].Value = s },
	"header expression": func(s string, p places) { p.prefix.Headers[1].Value = s },
	"query name":        func(s string, p places) { p.prefix.Query[0].Name = "q" + s },
	"query value":       func(s string, p places) { p.prefix.Query[0].Value = s },
	"query expression":  func(s string, p places) { p.prefix.Query[1].Value = s },
	"request header":    func(s string, p places) { p.rule.RequestHeaders[0].Name = "Z" + s },
	"request value":     func(s string, p places) { p.rule.RequestHeaders[0].Value = s },
	"added header":      func(s string, p places) { p.rule.RequestHeaders[1].Name = "Y" + s },
	"added value":       func(s string, p places) { p.rule.RequestHeaders[1].Value = s },
	"removed header":    func(s string, p places) { p.rule.RequestHeaders[2].Name = "W" + s },
	"response header":   func(s string, p places) { p.rule.ResponseHeaders[0].Name = "Z" + s },
	"response value":    func(s string, p places) { p.rule.ResponseHeaders[0].Value = s },
	"removed response":  func(s string, p places) { p.rule.ResponseHeaders[1].Name = "W" + s },
	"rewritten host":    func(s string, p places) { p.rewrite.Hostname = "h" + s },
	"rewritten path":    func(s string, p places) { p.rewrite.Path.Value = s },
	"redirect scheme":   func(s string, p places) { p.redirect.Scheme = "https" + s },
	"redirect host":     func(s string, p places) { p.redirect.Hostname = "h" + s },
	"redirect path":     func(s string, p places) { p.redirect.Path.Value = s },
	"CORS scheme":       func(s string, p places) { p.rule.CORS.Origins[0].Scheme = "https" + s },
	"CORS host":         func(s string, p places) { p.rule.CORS.Origins[0].Host = "h" + s },
	"CORS wildcard":     func(s string, p places) { p.rule.CORS.Origins[1].Host = "*." + s },
	"CORS method":       func(s string, p places) { p.rule.CORS.Methods.List[0] = "M" + s },
	"CORS header":       func(s string, p places) { p.rule.CORS.Headers.List[0] = "Z" + s },
	"exposed header":    func(s string, p places) { p.rule.CORS.ExposeHeaders.List[0] = "Z" + s },
	"route namespace":   func(s string, p places) { p.route.Source.SetNamespace(s) },
	"route name":        func(s string, p places) { p.route.Source.SetName(s) },
	"route hostname":    func(s string, p places) { p.hostname.Effective = "h" + s + ".example.com" },
	"listener hostname": func(s string, p places) { p.listener.Hostname = "l" + s + ".example.com" },
	"TLS route's host":  func(s string, p places) { p.streamHostname.Effective = "t" + s + ".example.com" },
	"TLS listener's":    func(s string, p places) { p.streamListener.Hostname = "m" + s + ".example.com" },
	"stream upstream":   func(s string, p places) { p.streamUpstream.ID = "s" + s },
	"secret namespace":  func(s string, p places) { p.certificate.Secret.Namespace = s },
	"secret name":       func(s string, p places) { p.certificate.Secret.Name = s },
	"authorities":       func(s string, p places) { p.listener.ClientValidation.Authorities = []byte(s) },
	"certificate":       func(s string, p places) { p.certificate.PEM = []byte(s) },
	"origin":            func(s string, p places) { p.rule.WebSocketLimits.Origins[0].Host = "o" + s },
	"origin's address":  func(s string, p places) { p.rule.WebSocketLimits.Origins[0].Host = "[" + s },
	"origin's scheme":   func(s string, p places) { p.rule.WebSocketLimits.Origins[0].Scheme = "http" + s },
	"subdomains":        func(s string, p places) { p.rule.WebSocketLimits.Origins[1].Host = "*.o" + s },
	"websocket counter": func(s string, p places) { p.rule.WebSocketLimits.Counter = s },
	"mirror upstream":   func(s string, p places) { p.rule.Mirrors[0].Upstream.ID = "m" + s },
	"backend's name":    func(s string, p places) { p.upstream.TLS.Hostname = "b" + s },
	"client's secret":   func(s string, p places) { p.client.Secret.Name = s },
	"session":           func(s string, p places) { p.session.Cookie = "c" + s },
	"session's path":    func(s string, p places) { p.bound.Path = "/c/c" + s },
	"auth path":         func(s string, p places) { p.auth.Path = "/a" + s },
	"auth header":       func(s string, p places) { p.auth.RequestHeaders[0] = "a" + s },
	"auth upstream":     func(s string, p places) { p.auth.Upstream.ID = "a" + s },
	"upstream":          func(s string, p places) { p.upstream.ID = "u" + s },
}

// places are where the fields are in a Gateway that uses all of them.
type places struct {
	listener    *graph.Listener
	certificate *graph.Certificate
	client      *graph.Certificate
	route       *graph.Route
	hostname    *graph.Hostname
	rule        *graph.Rule
	upstream    *graph.Upstream
	rewrite     *graph.Rewrite
	redirect    *graph.Redirect
	session     *graph.Session
	auth        *graph.Auth
	bound       *graph.Match

	streamListener *graph.Listener
	streamHostname *graph.Hostname
	streamUpstream *graph.Upstream

	exact, prefix, replaced, redirected, regex *graph.Match
}

func gatewayWithEverything() (*graph.Gateway, places) {
	p := places{
		upstream: &graph.Upstream{
			ID: "u", Endpoints: []bundle.Endpoint{{Address: "10.42.0.11", Port: 8080, Weight: 1}},
			TLS: &graph.BackendTLS{Hostname: "b", Authorities: []byte("x")},
		},
		client:   &graph.Certificate{Secret: types.NamespacedName{Namespace: "n", Name: "c"}, PEM: []byte("x")},
		rewrite:  &graph.Rewrite{Hostname: "h", Path: &graph.PathRewrite{Prefix: true, Value: "/x"}},
		redirect: &graph.Redirect{Scheme: "https", Hostname: "h", Code: 302, Path: &graph.PathRewrite{Prefix: true, Value: "/x"}},
	}
	p.rule = &graph.Rule{
		Matches: []graph.Match{
			{
				PathKind: graph.PathPrefix, Path: "/p", Method: "M",
				Headers: []graph.ValueMatch{{Name: "Z", Value: "z"}, {Name: "X", Value: "x", Regex: true}},
				Query:   []graph.ValueMatch{{Name: "q", Value: "q"}, {Name: "r", Value: "r", Regex: true}},
			},
			{Index: 1, PathKind: graph.PathPrefix, Path: "/r"},
		},
		Rewrite: p.rewrite,
		RequestHeaders: []graph.HeaderChange{
			{Action: graph.HeaderSet, Name: "Z", Value: "z"},
			{Action: graph.HeaderAdd, Name: "Y", Value: "y"},
			{Action: graph.HeaderRemove, Name: "W"},
		},
		ResponseHeaders: []graph.HeaderChange{
			{Action: graph.HeaderSet, Name: "Z", Value: "z"},
			{Action: graph.HeaderRemove, Name: "W"},
		},
		CORS: &graph.CORS{
			Origins: []graph.Origin{{Scheme: "https", Host: "h"}, {Scheme: "https", Host: "*.h"}}, Credentials: true,
			Methods: graph.Names{List: []string{"M"}}, Headers: graph.Names{List: []string{"Z"}},
			ExposeHeaders: graph.Names{List: []string{"Z"}}, MaxAge: 5,
		},
		Mirrors: []graph.Mirror{
			{Upstream: &graph.Upstream{ID: "m", Endpoints: p.upstream.Endpoints}, Share: 1},
			{Upstream: p.upstream, Share: graph.AllRequests, Index: 1},
		},
		Upstream: p.upstream, IdleTimeout: time.Minute,
		WebSocketLimits: graph.WebSocketLimits{
			Origins: []graph.Origin{{Scheme: "https", Host: "o"}, {Scheme: "https", Host: "*.o", Port: 8443}},
			Max:     2, Counter: "n/n",
		},
	}
	plain := &graph.Rule{Index: 1, Upstream: p.upstream, Matches: []graph.Match{
		{PathKind: graph.PathExact, Path: "/e"},
		{Index: 1, PathKind: graph.PathRegex, Path: "/x"},
	}}
	redirect := &graph.Rule{Index: 2, Redirect: p.redirect, Matches: []graph.Match{{PathKind: graph.PathPrefix, Path: "/d"}}}
	p.prefix, p.replaced = &p.rule.Matches[0], &p.rule.Matches[1]
	p.exact, p.regex = &plain.Matches[0], &plain.Matches[1]
	p.redirected = &redirect.Matches[0]
	p.route = &graph.Route{
		Source: snapshot.Route{Kind: "HTTPRoute", Object: &metav1.ObjectMeta{Namespace: "n", Name: "n"}},
		Rules:  []*graph.Rule{p.rule, plain, redirect},
	}
	hostnames := []graph.Hostname{{Effective: "h.example.com"}}
	p.hostname = &hostnames[0]
	yes := graph.Verdict{True: true}
	p.listener = &graph.Listener{
		Source: &gatewayv1.Listener{Port: 443}, Index: 1, TLS: true, Hostname: "l.example.com", Accepted: yes,
		ClientValidation: &graph.ClientValidation{Authorities: []byte("x")},
		Certificates:     []graph.Certificate{{Secret: types.NamespacedName{Namespace: "n", Name: "n"}, PEM: []byte("x")}},
	}
	p.certificate = &p.listener.Certificates[0]
	everywhere := &graph.Listener{
		Source: &gatewayv1.Listener{Port: 443}, TLS: true, Accepted: yes, Certificates: p.listener.Certificates,
		ClientValidation: p.listener.ClientValidation,
		Routes:           []graph.Attachment{{Route: p.route, Hostnames: hostnames}},
	}
	p.streamUpstream = &graph.Upstream{ID: "s", Endpoints: p.upstream.Endpoints}
	streamHostnames := []graph.Hostname{{Effective: "t.example.com"}}
	p.streamHostname = &streamHostnames[0]
	stream := &graph.Route{
		Source: snapshot.Route{Kind: "TLSRoute", Object: &metav1.ObjectMeta{Namespace: "n", Name: "n"}},
		Rules:  []*graph.Rule{{Upstream: p.streamUpstream, IdleTimeout: time.Minute}},
	}
	p.streamListener = &graph.Listener{
		Source: &gatewayv1.Listener{Port: 443, Protocol: gatewayv1.TLSProtocolType}, Index: 2, TLS: true,
		Hostname: "m.example.com", Accepted: yes, Certificates: p.listener.Certificates,
	}
	passing := &graph.Listener{
		Source: &gatewayv1.Listener{Port: 8443, Protocol: gatewayv1.TLSProtocolType}, Index: 3, Passthrough: true, Accepted: yes,
		Routes: []graph.Attachment{{Route: stream, Hostnames: streamHostnames}},
	}
	return &graph.Gateway{
		Source:    &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "n"}},
		Listeners: []*graph.Listener{everywhere, p.listener, p.streamListener, passing}, ClientCertificate: p.client,
	}, p
}

// withExperimentalRules adds what takes the experimental channel.
func withExperimentalRules(p places) places {
	p.session = &graph.Session{Cookie: "c", Lifetime: time.Hour, Drained: &graph.Upstream{ID: "d", Endpoints: p.upstream.Endpoints}}
	bound := &graph.Rule{
		Index: 3, Upstream: p.upstream, Session: p.session,
		Matches: []graph.Match{{PathKind: graph.PathPrefix, Path: "/c/c"}},
	}
	p.bound = &bound.Matches[0]
	p.auth = &graph.Auth{Upstream: &graph.Upstream{ID: "a", Endpoints: p.upstream.Endpoints}, Path: "/a", RequestHeaders: []string{"a"}}
	guarded := &graph.Rule{
		Index: 4, Upstream: p.upstream, Matches: []graph.Match{{PathKind: graph.PathPrefix, Path: "/a"}},
		Hop: &graph.Hop{Auth: p.auth, Backends: []graph.HopBackend{{Upstream: p.upstream, Weight: 1}}},
	}
	p.route.Rules = append(p.route.Rules, bound, guarded)
	return p
}

func shapeOf(t testing.TB, field, s string) string {
	t.Helper()
	g, p := gatewayWithEverything()
	fields[field](s, withExperimentalRules(p))
	shape := ""
	for _, f := range Render(g, Templates{}).Files {
		if strings.HasSuffix(f.Path, ".pem") {
			// nginx reads it for itself; graph has looked at what is in it.
			continue
		}
		tree, err := conftree.Parse(string(f.Data))
		if err != nil {
			t.Fatalf("%q as %s: %s: %v\n%s", s, field, f.Path, err, f.Data)
		}
		shape += f.Path + "\n" + conftree.Shape(tree)
	}
	return shape
}

// allowedShapes are, for each field, those of a harmless text, of one that is
// refused, and of the Gateway as it was.
func allowedShapes(t testing.TB) map[string][]string {
	t.Helper()
	allowed := map[string][]string{}
	fields["nothing"] = func(string, places) {}
	for field := range fields {
		allowed[field] = []string{shapeOf(t, field, "x"), shapeOf(t, field, "\x00"), shapeOf(t, "nothing", "")}
	}
	return allowed
}

// FuzzRender writes a text into one field: it must not change which directives
// the configuration has.
func FuzzRender(f *testing.F) {
	allowed := allowedShapes(f)
	names := slices.Sorted(maps.Keys(allowed))
	for _, s := range []string{
		`"`, `'`, `;`, `{`, `}`, `#`, `$`, `\`, "\r", "\n", "\x00", "%00", "%22", `\"`, `\\`, `$host`, `${args}`, `$(x)`, "",
		`"; return 200 "x`, `x") { return 200; } if ("`, "}\n}\nserver { listen 1; }", "# comment", "\x7f", "é", "\xff", " ",
		`<!--#exec cmd="id"-->`, `content_by_lua_block { os.exit() }`, "(?<args>.*)", "*", "/", "?", "&", "=", "+", "off", "default",
	} {
		for i := range names {
			f.Add(uint(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, i uint, s string) {
		field := names[i%uint(len(names))]
		if got := shapeOf(t, field, s); !slices.Contains(allowed[field], got) {
			t.Errorf("%q as %s changes the configuration's directives:\n%s", s, field, cmp.Diff(allowed[field][0], got))
		}
	})
}
