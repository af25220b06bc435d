package graph_test

import (
	"testing"

	"github.com/gatewright/gatewright/compiler/graph"
)

// grpcTwin is a GRPCRoute with the name of route.
func grpcTwin(spec string) string {
	return `
kind: GRPCRoute
metadata: {namespace: blog, name: blog, generation: 1}
spec:
  parentRefs: [{namespace: infra, name: home}]
  hostnames: [grpc.example.net]
` + spec
}

func TestAnHTTPRouteAndAGRPCRouteOfOneNameShareNothing(t *testing.T) {
	t.Parallel()
	const h2c = "\n---\nkind: Service\nmetadata: {namespace: blog, name: web}\nspec: {ports: [{name: http, port: 80, appProtocol: kubernetes.io/h2c}]}"
	tests := map[string]struct{ http, grpc string }{
		"one backend":  {"{backendRefs: [{name: web, port: 80}]}", "{backendRefs: [{name: web, port: 80}]}"},
		"two backends": {"{backendRefs: [{name: web, port: 80}, {name: web, port: 80}]}", "{backendRefs: [{name: web, port: 80}, {name: api, port: 80}]}"},
		"a session": {
			"{backendRefs: [{name: web, port: 80}], sessionPersistence: {}}",
			"{backendRefs: [{name: web, port: 80}], sessionPersistence: {}}",
		},
		"the hop": {
			"{backendRefs: [{name: web, port: 80}], timeouts: {request: 5s}}",
			"{backendRefs: [{name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-A]}}]}]}",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(t, route("  hostnames: [www.example.net]\n  rules:\n  - "+test.http)+"\n---\n"+grpcTwin("  rules:\n  - "+test.grpc)+h2c)
			if len(g.Routes) != 2 || len(g.Diagnostics) > 0 {
				t.Fatalf("%d routes, %v", len(g.Routes), g.Diagnostics)
			}
			x, y := g.Routes[0].Rules[0], g.Routes[1].Rules[0]
			if x.Upstream == y.Upstream || x.Upstream.ID == y.Upstream.ID {
				t.Errorf("both have the upstream %s", x.Upstream.ID)
			}
			if x.Hop != nil && hopID(x) == hopID(y) {
				t.Errorf("both are %s to the hop", hopID(x))
			}
		})
	}
}

func hopID(r *graph.Rule) string { return r.Hop.ID(&r.Matches[0]) }
