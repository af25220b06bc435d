package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

func TestWhetherARouteAttaches(t *testing.T) {
	t.Parallel()
	const gateway = `
kind: Gateway
metadata: {namespace: infra, name: g}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: any, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: wild, port: 81, protocol: HTTP, hostname: "*.example.com", allowedRoutes: {namespaces: {from: All}}}
  - {name: same, port: 82, protocol: HTTP}
  - {name: chosen, port: 83, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: blog}}}}}
  - {name: none, port: 84, protocol: HTTP, allowedRoutes: {namespaces: {from: None}}}
  - {name: grpc, port: 85, protocol: HTTP, allowedRoutes: {namespaces: {from: All}, kinds: [{kind: GRPCRoute}]}}
---
kind: Namespace
metadata: {name: blog, labels: {team: blog}}
---
`
	tests := map[string]struct {
		parent, hostnames string
		reason            string
		// attached are the listeners that count the route.
		attached string
		message  string
	}{
		"to all listeners that take it":        {parent: "", reason: "Accepted", attached: "any wild chosen"},
		"to the listener it names":             {parent: "sectionName: any", reason: "Accepted", attached: "any"},
		"to the port it names":                 {parent: "port: 81", reason: "Accepted", attached: "wild"},
		"by name and port together":            {parent: "sectionName: any, port: 81", reason: "NoMatchingParent", message: `no listener named "any" on port 81`},
		"not to a listener that is not there":  {parent: "sectionName: anny", reason: "NoMatchingParent", message: `did you mean "any"?`},
		"not to a port that is not there":      {parent: "port: 8080", reason: "NoMatchingParent", message: "it has any (port 80), wild (port 81)"},
		"not from another namespace":           {parent: "sectionName: same", reason: "NotAllowedByListeners", message: `of namespace "blog"`},
		"from a selected namespace":            {parent: "sectionName: chosen", reason: "Accepted", attached: "chosen"},
		"not where no namespace is allowed":    {parent: "sectionName: none", reason: "NotAllowedByListeners"},
		"not where only other kinds may":       {parent: "sectionName: grpc", reason: "NotAllowedByListeners"},
		"not where no hostname is shared":      {parent: "sectionName: wild", hostnames: "[a.example.net]", reason: "NoMatchingListenerHostname", message: "(it has *.example.com on listener wild)"},
		"only where a hostname is shared":      {parent: "", hostnames: "[a.example.net]", reason: "Accepted", attached: "any chosen"},
		"not with hostnames that are all none": {parent: "sectionName: any", hostnames: "['a b']", reason: "NoMatchingListenerHostname"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifest := gateway + "kind: HTTPRoute\nmetadata: {namespace: blog, name: r}\nspec:\n  parentRefs: [{namespace: infra, name: g, " + test.parent + "}]\n  rules: [{}]"
			if test.hostnames != "" {
				manifest += "\n  hostnames: " + test.hostnames
			}
			g := build(t, manifest)
			accepted := onlyRoute(t, g).Parents[0].Accepted
			if accepted.Reason != test.reason || accepted.True != (test.reason == "Accepted") || !strings.Contains(accepted.Message, test.message) {
				t.Errorf("accepted: %+v", accepted)
			}
			var attached []string
			for _, gateway := range g.Gateways {
				for _, l := range gateway.Listeners {
					if l.AttachedRoutes == 1 && len(l.Routes) == 1 {
						attached = append(attached, string(l.Source.Name))
					}
				}
			}
			if got := strings.Join(attached, " "); got != test.attached {
				t.Errorf("attached to %q, want %q", got, test.attached)
			}
		})
	}
}

func TestOldestRoutesComeFirstAtAListener(t *testing.T) {
	t.Parallel()
	manifest := ""
	for _, r := range []string{"b, creationTimestamp: '2026-01-02T00:00:00Z'", "c, creationTimestamp: '2026-01-01T00:00:00Z'", "a, creationTimestamp: '2026-01-02T00:00:00Z'"} {
		manifest += "\n---\nkind: HTTPRoute\nmetadata: {namespace: blog, name: " + r + "}\nspec: {parentRefs: [{namespace: infra, name: home}], rules: [{backendRefs: [{name: web, port: 80}]}]}"
	}
	g := build(t, manifest[len("\n---\n"):])
	var order []string
	for _, a := range listener(t, g, "http").Routes {
		order = append(order, a.Route.Source.GetName())
	}
	if diff := cmp.Diff([]string{"c", "a", "b"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	// All three have the same match, so two get no requests.
	warned := said(g, diagnostic.Warn)
	if len(warned) != 2 || !strings.Contains(warned[0], "HTTPRoute blog/c is older, has the same match for any hostname and gets the requests") {
		t.Errorf("warned: %q", warned)
	}
}

func TestWhatARuleCannotDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule string
		deny bool
		// says is part of a diagnostic and of the Accepted condition.
		says string
	}{
		"an expression that does not compile": {
			`matches: [{}, {path: {type: RegularExpression, value: "(^/api"}}]`, true,
			`spec.rules[0].matches[1].path.value: "(^/api" is no valid regular expression for nginx (PCRE2): missing ")" at offset 6`,
		},
		"a header that nginx cannot address": {
			`matches: [{headers: [{name: X_Y, value: a}]}]`, true,
			`spec.rules[0].matches[0].headers[0].name: nginx cannot address a header named "X_Y"`,
		},
		"no match that is sound": {`matches: [{path: {type: Exact, value: a}}]`, true, `"a" does not begin with a slash`},
		"a method that is none":  {`matches: [{method: get}]`, true, `"get" is no method`},
		"a path type of the future": {
			`matches: [{path: {type: Glob, value: /a}}]`, true, `"Glob" is no type of path match`,
		},
		"a control character": {
			`matches: [{path: {type: Exact, value: "/a\nb"}}]`, true, `has the control character "\n"`,
		},
		"one header twice, in other letters": {
			`filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: a}], remove: [x-a]}}]`, true,
			`spec.rules[0].filters[0].requestHeaderModifier.remove[0]: header "x-a" has an action already, at spec.rules[0].filters[0].requestHeaderModifier.set[0]`,
		},
		"an addition to a header that nginx cannot read": {
			`filters: [{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: X_A, value: a}]}}]`, true,
			`nginx cannot address a header named "X_A"`,
		},
		"an upgrade to something else": {
			`filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: upgrade, value: h2c}]}}]`, true,
			`upgraded to websocket and to nothing else, not to "h2c"`,
		},
		"the Host header": {
			`filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: a}]}}]`, true,
			"urlRewrite.hostname",
		},
		"the framing of responses": {
			`filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Content-Length]}}]`, true,
			"belongs to the connection",
		},
		"a redirect and a rewrite": {
			`filters: [{type: RequestRedirect, requestRedirect: {}}, {type: URLRewrite, urlRewrite: {}}]`, true,
			"cannot be redirected and rewritten",
		},
		"a prefix replaced where there is none": {
			`{matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}`,
			true, "only a match of type PathPrefix",
		},
		"a mirror of what is redirected": {
			`filters: [{type: RequestRedirect, requestRedirect: {port: 8443}}, {type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}]`, false,
			`copies of redirected requests are not supported yet`,
		},
		"more time for an attempt than for all": {
			`timeouts: {request: 10s, backendRequest: 11s}`, true, "11s for one attempt is more than 10s for all of them",
		},
		"a timeout that is none": {`timeouts: {request: soon}`, true, `"soon"`},
		"retries without end":    {`retry: {attempts: 1000}`, true, "1000 is no number of retries"},
		"retries of a success":   {`retry: {codes: [200]}`, true, "200 is no status of an error"},
		"a pause that is none":   {`retry: {backoff: soon}`, true, `"soon"`},
		"a mirror for one backend only": {
			`backendRefs: [{name: web, port: 80, filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}]}]`, false,
			`filters of type "RequestMirror" for a single backend are not supported yet`,
		},
		"a backend's header twice": {
			`backendRefs: [{name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: a}], remove: [x-a]}}]}]`, true,
			`spec.rules[0].backendRefs[0].filters[0].requestHeaderModifier.remove[0]: header "x-a" has an action already`,
		},
		"a backend's second filter of a type": {
			`backendRefs: [{name: web, port: 80, filters: [{type: URLRewrite, urlRewrite: {hostname: a.example.com}}, {type: URLRewrite, urlRewrite: {}}]}]`, true,
			"a backend can have one filter of type URLRewrite",
		},
		"a rewrite of the rule and one of its backend": {
			`{filters: [{type: URLRewrite, urlRewrite: {}}], backendRefs: [{name: web, port: 80, filters: [{type: URLRewrite, urlRewrite: {}}]}]}`, true,
			"the rule rewrites the request already",
		},
		"a prefix replaced by a backend where there is none": {
			`{matches: [{path: {type: Exact, value: /a}}], backendRefs: [{name: web, port: 80, filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}]}`,
			true, "only a match of type PathPrefix",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(t, rule(test.rule))
			severity := diagnostic.Warn
			if test.deny {
				severity = diagnostic.Deny
			}
			if all := said(g, severity); !strings.Contains(strings.Join(all, "\n"), test.says) {
				t.Errorf("said %q", all)
			}
			r := onlyRoute(t, g)
			if a := r.Parents[0].Accepted; a.True || !strings.Contains(a.Message, test.says) {
				t.Errorf("accepted: %+v", a)
			}
			for _, rule := range r.Rules {
				if !rule.Invalid || len(rule.Matches) == 0 {
					t.Errorf("rule %+v is valid, or has no match", rule)
				}
			}
			if l := listener(t, g, "http"); l.AttachedRoutes != 0 || len(l.Routes) != 1 {
				t.Errorf("%d routes count, and %d answer", l.AttachedRoutes, len(l.Routes))
			}
		})
	}
}

func TestASoundRuleBesideAnInvalidOneStays(t *testing.T) {
	t.Parallel()
	g := build(t, route(`  rules:
  - backendRefs: [{name: web, port: 80}]
  - {matches: [{path: {value: /a}}], sessionPersistence: {type: Header}}`))
	r := onlyRoute(t, g)
	if !r.Parents[0].Accepted.True || !r.PartiallyInvalid.True || !strings.HasPrefix(r.PartiallyInvalid.Message, "Dropped Rule 1 (") {
		t.Errorf("accepted %+v, partially invalid %+v", r.Parents[0].Accepted, r.PartiallyInvalid)
	}
	if r.Rules[0].Invalid || !r.Rules[1].Invalid {
		t.Errorf("invalid: %v, %v", r.Rules[0].Invalid, r.Rules[1].Invalid)
	}
	if l := listener(t, g, "http"); l.AttachedRoutes != 1 {
		t.Errorf("%d routes count", l.AttachedRoutes)
	}
}

func TestAFilterThatIsNotThereFailsItsRule(t *testing.T) {
	t.Parallel()
	r := onlyRoute(t, build(t, rule(`{filters: [{type: ExtensionRef, extensionRef: {group: x.y, kind: Auth, name: a}}], backendRefs: [{name: web, port: 80}]}`)))
	if p := r.Parents[0]; !p.Accepted.True || p.ResolvedRefs.True || p.ResolvedRefs.Reason != "InvalidKind" || !r.Rules[0].Invalid {
		t.Errorf("parent %+v, rule %+v", p, r.Rules[0])
	}
}

func TestAQuarantinedRouteIsLeftOutUntilItChanges(t *testing.T) {
	t.Parallel()
	s := snapshotOf(append(objects(t, base), objects(t, rule("backendRefs: [{name: web, port: 80}]"))...)...)
	key := s.HTTPRoutes.All()[0]
	for generation, out := range map[int64]bool{key.Generation: true, key.Generation + 1: false} {
		s := s
		s.Quarantined = quarantine("blog", "blog", generation, "invalid number of arguments")
		g := graph.Build(s)
		a := onlyRoute(t, g).Parents[0].Accepted
		if a.True == out || strings.Contains(a.Message, "invalid number of arguments") != out {
			t.Errorf("refused generation %d: %+v", generation, a)
		}
		if l := listener(t, g, "http"); (len(l.Routes) == 0) != out || (l.AttachedRoutes == 0) != out {
			t.Errorf("refused generation %d: %d attached", generation, len(l.Routes))
		}
	}
}

func TestWhereARulesRequestsGo(t *testing.T) {
	t.Parallel()
	at := func(address string, port, weight uint16) bundle.Endpoint {
		return bundle.Endpoint{Address: address, Port: port, Weight: weight}
	}
	invalid, none := at("127.0.0.1", bundle.InvalidBackendPort, 1), at("127.0.0.1", bundle.NoEndpointsPort, 1)
	const elsewhere = `
---
kind: Service
metadata: {namespace: other, name: db}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {namespace: other, name: db-1, labels: {kubernetes.io/service-name: db}}
addressType: IPv6
ports: [{port: 5000}]
endpoints: [{addresses: ["2001:db8::1"]}, {addresses: ["2001:db8::2"], conditions: {ready: false}}]
---
kind: Service
metadata: {namespace: blog, name: odd}
spec: {ports: [{name: h2c, port: 80, appProtocol: mysql}, {name: ws, port: 81, appProtocol: kubernetes.io/ws}, {name: dns, port: 53, protocol: UDP}]}
---
kind: EndpointSlice
metadata: {namespace: blog, name: odd-1, labels: {kubernetes.io/service-name: odd}}
addressType: IPv4
ports: [{name: http, port: 5000}]
endpoints: [{addresses: [10.0.9.1]}]
---
kind: Service
metadata: {namespace: blog, name: away}
spec: {type: ExternalName, externalName: example.com, ports: [{port: 80}]}
---
kind: Service
metadata: {namespace: blog, name: inward}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {namespace: blog, name: inward-1, labels: {kubernetes.io/service-name: inward}}
addressType: IPv4
ports: [{port: 29444}]
endpoints: [{addresses: [127.0.0.1]}, {addresses: [169.254.169.254]}]
`
	const grant = `
---
kind: ReferenceGrant
metadata: {namespace: other, name: g}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: blog}], to: [{group: "", kind: Service}]}`
	tests := map[string]struct {
		backends string
		beside   string
		id       string
		want     []bundle.Endpoint
		// reason of ResolvedRefs.
		reason, message string
	}{
		"to the ready endpoints of a Service": {
			"[{name: web, port: 80}]", "", "blog-web-80", []bundle.Endpoint{at("10.0.0.1", 8080, 1), at("10.0.0.2", 8080, 1)}, "ResolvedRefs", "",
		},
		"by weight to several": {
			"[{name: web, port: 80, weight: 3}, {name: api, port: 80}]", "", "blog-blog-0-split",
			[]bundle.Endpoint{at("10.0.0.1", 8080, 3), at("10.0.0.2", 8080, 3), at("10.0.1.1", 3000, 2)}, "ResolvedRefs", "",
		},
		"not to one of weight 0": {
			"[{name: web, port: 80, weight: 0}, {name: api, port: 80}]", "", "blog-blog-0-split", []bundle.Endpoint{at("10.0.1.1", 3000, 1)}, "ResolvedRefs", "",
		},
		"to an error where all weights are 0": {
			"[{name: web, port: 80, weight: 0}]", "", "blog-blog-0-split", []bundle.Endpoint{invalid}, "ResolvedRefs", "",
		},
		"to an error where there is no backend": {"[]", "", "blog-blog-0-split", []bundle.Endpoint{invalid}, "ResolvedRefs", ""},
		"to an error for the share of a Service that is not there": {
			"[{name: web, port: 80}, {name: wep, port: 80}]", "", "blog-blog-0-split",
			[]bundle.Endpoint{at("10.0.0.1", 8080, 1), at("10.0.0.2", 8080, 1), at("127.0.0.1", bundle.InvalidBackendPort, 2)},
			"BackendNotFound", `Service "wep" not found in namespace "blog": did you mean "web"?`,
		},
		"to an error for a port that is not there": {
			"[{name: web, port: 8080}]", "", "blog-web-8080", []bundle.Endpoint{invalid}, "BackendNotFound", `has no TCP port 8080: it has 80`,
		},
		"to an error for a port of UDP": {
			"[{name: odd, port: 53}]", elsewhere, "blog-odd-53", []bundle.Endpoint{invalid}, "BackendNotFound", "it has 80, 81",
		},
		"to an error without a port": {
			"[{name: web}]", "", "blog-blog-0-split", []bundle.Endpoint{invalid}, "BackendNotFound", "write port",
		},
		"to an error for another kind": {
			"[{group: x.y, kind: Bucket, name: web}]", "", "blog-blog-0-split", []bundle.Endpoint{invalid}, "InvalidKind", "refer to a Service",
		},
		"to an error for another protocol": {
			"[{name: odd, port: 80}]", elsewhere, "blog-odd-80", []bundle.Endpoint{invalid}, "UnsupportedProtocol", "mysql",
		},
		"to an error for a Service that leads out of the cluster": {
			"[{name: away, port: 80}]", elsewhere, "blog-away-80", []bundle.Endpoint{invalid}, "UnsupportedProtocol", "ExternalName",
		},
		"nowhere without endpoints of the port's name": {
			"[{name: odd, port: 81}]", elsewhere, "blog-odd-81", []bundle.Endpoint{none}, "ResolvedRefs", "",
		},
		"never into the data plane itself": {
			"[{name: inward, port: 80}]", elsewhere, "blog-inward-80", []bundle.Endpoint{none}, "ResolvedRefs", "",
		},
		"to an error in another namespace without grant": {
			"[{namespace: other, name: db, port: 80}]", elsewhere, "other-db-80-from-blog", []bundle.Endpoint{invalid},
			"RefNotPermitted", `create a ReferenceGrant in namespace "other"`,
		},
		"to another namespace with a grant": {
			"[{namespace: other, name: db, port: 80}]", elsewhere + grant, "other-db-80-from-blog", []bundle.Endpoint{at("2001:db8::1", 5000, 1)}, "ResolvedRefs", "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := onlyRoute(t, build(t, rule("backendRefs: "+test.backends)+strings.TrimSuffix(test.beside, "\n")))
			u := r.Rules[0].Upstream
			if u.ID != test.id {
				t.Errorf("upstream %q, want %q", u.ID, test.id)
			}
			if diff := cmp.Diff(test.want, u.Endpoints); diff != "" {
				t.Errorf("endpoints (-want +got):\n%s", diff)
			}
			if v := r.Parents[0].ResolvedRefs; v.Reason != test.reason || v.True != (test.reason == "ResolvedRefs") || !strings.Contains(v.Message, test.message) {
				t.Errorf("resolved: %+v", v)
			}
			if a := r.Parents[0].Accepted; !a.True {
				t.Errorf("not accepted for its backends: %+v", a)
			}
		})
	}
}
