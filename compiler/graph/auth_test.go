package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

func guardedBy(auth string) string {
	return rule("{filters: [{type: ExternalAuth, externalAuth: " + auth + "}], backendRefs: [{name: web, port: 80}]}")
}

func TestWhatAnExternalAuthFilterAsksFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		auth string
		want graph.Auth
	}{
		"nothing more": {"{protocol: HTTP, backendRef: {name: api, port: 80}}", graph.Auth{}},
		"all of it": {
			`{protocol: HTTP, backendRef: {name: api, port: 80}, http: {path: /a%20b, allowedHeaders: [X-B, Cookie, x-b, Host, content-length, Authorization], allowedResponseHeaders: [X-User, Authorization]}, forwardBody: {maxSize: 65535}}`,
			graph.Auth{Path: "/a%20b", RequestHeaders: []string{"cookie", "x-b"}, ResponseHeaders: []string{"authorization", "x-user"}, MaxBody: 65535},
		},
		"a call": {"{protocol: GRPC, backendRef: {name: api, port: 80}, grpc: {}}", graph.Auth{GRPC: true}},
		"a call with a body": {
			"{protocol: GRPC, backendRef: {name: api, port: 80}, grpc: {allowedHeaders: [X-B, Cookie, Authorization]}, forwardBody: {maxSize: 16}}",
			graph.Auth{GRPC: true, RequestHeaders: []string{"authorization", "cookie", "x-b"}, MaxBody: 16},
		},
		"a call with no header but what frames the message": {
			"{protocol: GRPC, backendRef: {name: api, port: 80}, grpc: {allowedHeaders: [Host, content-length]}}",
			graph.Auth{GRPC: true, RequestHeaders: []string{"content-length", "host"}},
		},
		"no bodies": {"{protocol: HTTP, backendRef: {name: api, port: 80}, forwardBody: {maxSize: 0}}", graph.Auth{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(t, guardedBy(test.auth))
			r := onlyRoute(t, g).Rules[0]
			if r.Invalid || r.Hop == nil || r.Hop.Auth == nil {
				t.Fatalf("invalid: %v, hop: %+v", r.Invalid, r.Hop)
			}
			got := *r.Hop.Auth
			if got.Upstream.ID != "blog-api-80" {
				t.Errorf("upstream %s", got.Upstream.ID)
			}
			got.Upstream = nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("asks for (-want +got):\n%s", diff)
			}
			if all := append(said(g, diagnostic.Deny), said(g, diagnostic.Warn)...); len(all) > 0 {
				t.Errorf("said %q", all)
			}
		})
	}
}

func TestAnAuthorizationServerThatIsNotThereLetsNobodyIn(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]string{
		"a missing Service":          "{name: missing, port: 80}",
		"a missing port":             "{name: api, port: 81}",
		"no port":                    "{name: api}",
		"another kind":               "{kind: Pod, name: api, port: 80}",
		"a Service without a grant":  "{namespace: infra, name: api, port: 80}",
		"another group's kind":       "{group: example.com, kind: Auth, name: api}",
		"a Service of another group": "{group: example.com, kind: Service, name: api, port: 80}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := onlyRoute(t, build(t, guardedBy("{protocol: HTTP, backendRef: "+ref+"}")))
			if r.Parents[0].ResolvedRefs.True || !strings.Contains(r.Parents[0].ResolvedRefs.Message, "spec.rules[0].filters[0].externalAuth.backendRef") {
				t.Errorf("resolved: %+v", r.Parents[0].ResolvedRefs)
			}
			hop := r.Rules[0].Hop
			if hop == nil || hop.Auth == nil {
				t.Fatalf("nobody is asked: %+v", hop)
			}
			want := []bundle.Endpoint{{Address: "127.0.0.1", Port: bundle.InvalidBackendPort, Weight: 1}}
			if diff := cmp.Diff(want, hop.Auth.Upstream.Endpoints); diff != "" {
				t.Errorf("endpoints (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRulesWhoseAuthorizationCannotBeAskedAreRefused(t *testing.T) {
	t.Parallel()
	const http = "protocol: HTTP, backendRef: {name: api, port: 80}"
	tests := map[string]struct{ auth, says string }{
		"HTTP's settings":         {"{protocol: GRPC, backendRef: {name: api, port: 80}, grpc: {}, http: {}}", "the protocol is GRPC"},
		"a call's frame":          {"{protocol: GRPC, backendRef: {name: api, port: 80}, grpc: {allowedHeaders: [Host, Connection]}}", "grpc.allowedHeaders[1]"},
		"another protocol":        {"{protocol: LDAP, backendRef: {name: api, port: 80}}", `"LDAP" is no protocol`},
		"no protocol":             {"{backendRef: {name: api, port: 80}}", `"" is no protocol`},
		"two protocols":           {"{" + http + ", grpc: {}, http: {}}", "the protocol is HTTP"},
		"a query":                 {"{" + http + ", http: {path: '/a?b'}}", "is no beginning of a path"},
		"a fragment":              {"{" + http + ", http: {path: '/a#b'}}", "is no beginning of a path"},
		"a way out":               {"{" + http + ", http: {path: /a/../b}}", "is no beginning of a path"},
		"a hidden way out":        {"{" + http + ", http: {path: /a/%2E.}}", "is no beginning of a path"},
		"a line break":            {"{" + http + `, http: {path: "/a\r\nHost: b"}}`, "control character"},
		"a header that frames":    {"{" + http + ", http: {allowedHeaders: [Transfer-Encoding]}}", "allowedHeaders[0]"},
		"all headers":             {"{" + http + `, http: {allowedHeaders: ["*"]}}`, `named "*"`},
		"a host in the answer":    {"{" + http + ", http: {allowedResponseHeaders: [X-A, host]}}", "allowedResponseHeaders[1]"},
		"a length in the answer":  {"{" + http + ", http: {allowedResponseHeaders: [Content-Length]}}", "allowedResponseHeaders[0]"},
		"a header with a newline": {"{" + http + `, http: {allowedResponseHeaders: ["X-A\nX-B"]}}`, "allowedResponseHeaders[0]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(t, guardedBy(test.auth))
			r := onlyRoute(t, g)
			if !r.Rules[0].Invalid || r.Parents[0].Accepted.True {
				t.Errorf("invalid: %v, accepted: %+v", r.Rules[0].Invalid, r.Parents[0].Accepted)
			}
			if all := strings.Join(append(said(g, diagnostic.Deny), said(g, diagnostic.Warn)...), "\n"); !strings.Contains(all, test.says) {
				t.Errorf("said %q", all)
			}
		})
	}
}

func TestTheHopDoesWhatTheWholeRuleSaysBehindAnAuthorizationServer(t *testing.T) {
	t.Parallel()
	r := onlyRoute(t, build(t, rule(`{filters: [
		{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: rule}]}},
		{type: URLRewrite, urlRewrite: {hostname: inner.example.com}},
		{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: api, port: 80}}}],
		backendRefs: [{name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: X-A, value: backend}]}}]}, {name: api, port: 80}]}`))).Rules[0]
	set, add := graph.HeaderChange{Action: graph.HeaderSet, Name: "X-A", Value: "rule"}, graph.HeaderChange{Action: graph.HeaderAdd, Name: "X-A", Value: "backend"}
	for i, want := range [][]graph.HeaderChange{{set, add}, {set}} {
		b := r.Hop.Backends[i]
		if diff := cmp.Diff(want, b.RequestHeaders); diff != "" {
			t.Errorf("changes of backend %d (-want +got):\n%s", i, diff)
		}
		if b.Rewrite == nil || b.Rewrite.Hostname != "inner.example.com" {
			t.Errorf("rewrite of backend %d: %+v", i, b.Rewrite)
		}
	}
}
