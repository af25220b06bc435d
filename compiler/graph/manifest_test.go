package graph_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// objects reads the documents of a manifest. Indentation by tabs counts as by
// two spaces.
func objects(t *testing.T, manifest string) []metav1.Object {
	t.Helper()
	var all []metav1.Object
	for document := range strings.SplitSeq(strings.ReplaceAll(manifest, "\t", "  "), "\n---\n") {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		object, ok := map[string]metav1.Object{
			"GatewayClass":     &gatewayv1.GatewayClass{},
			"Gateway":          &gatewayv1.Gateway{},
			"HTTPRoute":        &gatewayv1.HTTPRoute{},
			"GRPCRoute":        &gatewayv1.GRPCRoute{},
			"ListenerSet":      &gatewayv1.ListenerSet{},
			"ReferenceGrant":   &gatewayv1.ReferenceGrant{},
			"BackendTLSPolicy": &gatewayv1.BackendTLSPolicy{},
			"ConfigMap":        &corev1.ConfigMap{},
			"WebSocketPolicy":  &v1alpha1.WebSocketPolicy{},
			"GatewayConfig":    &v1alpha1.GatewayConfig{},
			"Namespace":        &corev1.Namespace{},
			"Service":          &corev1.Service{},
			"EndpointSlice":    &discoveryv1.EndpointSlice{},
			"Secret":           &corev1.Secret{},
		}[kind.Kind]
		if !ok {
			t.Fatalf("a manifest of kind %q", kind.Kind)
		}
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		all = append(all, object)
	}
	return all
}

func snapshotOf(objects ...metav1.Object) snapshot.Snapshot {
	var s snapshot.Snapshot
	for _, o := range objects {
		s = s.With(o)
	}
	return s
}

// build is a graph of the base with the documents of a manifest.
func build(t *testing.T, manifest string) graph.Graph {
	t.Helper()
	return graph.Build(snapshotOf(append(objects(t, base), objects(t, manifest)...)...))
}

// base is a Gateway that takes routes of all namespaces, and two backends.
const base = `
kind: GatewayClass
metadata: {name: gatewright}
spec: {controllerName: gatewright.dev/gateway-controller}
---
kind: Gateway
metadata: {namespace: infra, name: home, generation: 1}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
kind: Service
metadata: {namespace: blog, name: web}
spec: {ports: [{name: http, port: 80}]}
---
kind: EndpointSlice
metadata: {namespace: blog, name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]
---
kind: Service
metadata: {namespace: blog, name: api}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {namespace: blog, name: api-1, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
ports: [{port: 3000}]
endpoints: [{addresses: [10.0.1.1]}]
`

// route is an HTTPRoute blog/blog whose spec has the lines, with the Gateway as
// parent.
func route(spec string) string {
	return `
kind: HTTPRoute
metadata: {namespace: blog, name: blog, generation: 1}
spec:
  parentRefs: [{namespace: infra, name: home}]
` + spec
}

// rule is such a route with one rule.
func rule(lines string) string { return route("  rules:\n  - " + lines) }

func onlyRoute(t *testing.T, g graph.Graph) *graph.Route {
	t.Helper()
	if len(g.Routes) != 1 {
		t.Fatalf("%d routes", len(g.Routes))
	}
	return g.Routes[0]
}

func listener(t *testing.T, g graph.Graph, name gatewayv1.SectionName) *graph.Listener {
	t.Helper()
	for _, gateway := range g.Gateways {
		for _, l := range gateway.Listeners {
			if l.Source.Name == name {
				return l
			}
		}
	}
	t.Fatalf("no listener %s", name)
	return nil
}

// said are the diagnostics of one severity, as users read them.
func said(g graph.Graph, severity diagnostic.Severity) []string {
	var all []string
	for _, d := range g.Diagnostics {
		if d.Severity == severity {
			all = append(all, d.String())
		}
	}
	return all
}

func quarantine(namespace, name string, generation int64, message string) map[snapshot.RouteKey]snapshot.Quarantine {
	return map[snapshot.RouteKey]snapshot.Quarantine{
		{Kind: "HTTPRoute", NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}: {Generation: generation, Message: message},
	}
}
