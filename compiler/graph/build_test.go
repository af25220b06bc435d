package graph_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

// several routes, policies and gateways with something to say about each.
const busy = `
kind: Gateway
metadata: {namespace: infra, name: other}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: a, port: 80, protocol: HTTP, hostname: a.example.com, allowedRoutes: {namespaces: {from: All}}}
  - {name: b, port: 80, protocol: HTTP, hostname: a.example.com}
  - {name: c, port: 443, protocol: HTTPS, hostname: c.example.com}
---
kind: HTTPRoute
metadata: {namespace: blog, name: one}
spec:
  parentRefs: [{namespace: infra, name: home}, {namespace: infra, name: other}]
  rules:
  - backendRefs: [{name: web, port: 80, weight: 2}, {name: api, port: 80}, {name: gone, port: 80}]
  - matches: [{path: {type: RegularExpression, value: "(a"}}]
---
kind: HTTPRoute
metadata: {namespace: blog, name: two}
spec:
  parentRefs: [{namespace: infra, name: home}]
  rules:
  - {name: live, backendRefs: [{name: web, port: 80}]}
---
kind: WebSocketPolicy
metadata: {namespace: blog, name: p}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: one}, {group: gateway.networking.k8s.io, kind: HTTPRoute, name: two, sectionName: live}]
---
kind: WebSocketPolicy
metadata: {namespace: blog, name: q}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: two, sectionName: live}]
`

func TestTheOrderInWhichObjectsComeChangesNothing(t *testing.T) {
	t.Parallel()
	all := append(objects(t, base), objects(t, busy)...)
	want := graph.Build(snapshotOf(all...))
	if len(want.Diagnostics) == 0 || len(want.Upstreams) == 0 || len(want.Policies) == 0 {
		t.Fatalf("a graph with nothing in it: %+v", want)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if diff := cmp.Diff(want, graph.Build(snapshotOf(all...)), cmpopts.IgnoreUnexported(graph.Route{})); diff != "" {
			t.Fatalf("another order, another graph (-first +then):\n%s", diff)
		}
	}
}

func TestBuildingLeavesTheSnapshotAsItWas(t *testing.T) {
	t.Parallel()
	all := append(objects(t, base), objects(t, busy)...)
	written := func() string {
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := written()
	graph.GeneratedPolicies(graph.Build(snapshotOf(all...)), snapshotOf(all...))
	if diff := cmp.Diff(before, written()); diff != "" {
		t.Errorf("the objects changed (-before +after):\n%s", diff)
	}
}

func TestObjectsOfOtherClassesAreLeftAlone(t *testing.T) {
	t.Parallel()
	g := graph.Build(snapshotOf(objects(t, `
kind: GatewayClass
metadata: {name: theirs}
spec: {controllerName: example.com/controller}
---
kind: Gateway
metadata: {namespace: infra, name: home}
spec:
  gatewayClassName: theirs
  listeners: [{name: tls, port: 443, protocol: HTTPS}]
---
kind: HTTPRoute
metadata: {namespace: infra, name: r}
spec:
  parentRefs: [{name: home}]
  rules: [{matches: [{path: {type: RegularExpression, value: "(a"}}]}]
---
kind: WebSocketPolicy
metadata: {namespace: infra, name: p}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}], idleTimeout: x}
`)...))
	if diff := cmp.Diff(graph.Graph{}, g); diff != "" {
		t.Errorf("a graph of others' objects (-want +got):\n%s", diff)
	}
}

// Whoever has another implementation as well, or a mesh, may apply what only
// that one can do.
func TestOnlyRoutesThatAreOursAloneAreDenied(t *testing.T) {
	t.Parallel()
	const broken = `
  rules: [{matches: [{path: {type: RegularExpression, value: "(^/api"}}]}]`
	tests := map[string]struct {
		parents string
		denied  int
	}{
		"our Gateway alone":                        {"[{namespace: infra, name: home}]", 1},
		"our Gateway and a Service":                {`[{namespace: infra, name: home}, {group: "", kind: Service, name: web}]`, 0},
		"our Gateway and one that does not exist":  {"[{namespace: infra, name: home}, {namespace: infra, name: gone}]", 0},
		"only a Gateway that does not exist (yet)": {"[{namespace: infra, name: gone}]", 0},
	}
	for name, test := range tests {
		g := build(t, "kind: HTTPRoute\nmetadata: {namespace: blog, name: r}\nspec:\n  parentRefs: "+test.parents+broken)
		if got := said(g, diagnostic.Deny); len(got) != test.denied {
			t.Errorf("%s: denied %q", name, got)
		}
		if test.denied == 0 && len(said(g, diagnostic.Warn)) == 0 {
			t.Errorf("%s: nothing is said", name)
		}
	}
}
