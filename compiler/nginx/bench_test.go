package nginx

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// gatewayWithRoutes has n routes with a rule of their own; each has a hostname
// of its own, or a path of its own under one hostname.
func gatewayWithRoutes(n int, ownHostnames bool) *graph.Gateway {
	l := &graph.Listener{Source: &gatewayv1.Listener{Port: 80}, Accepted: graph.Verdict{True: true}}
	for i := range n {
		hostname, path := "www.example.com", fmt.Sprintf("/path-%d", i)
		if ownHostnames {
			hostname, path = fmt.Sprintf("host-%d.example.com", i), "/"
		}
		route := &graph.Route{
			Source: snapshot.Route{Kind: "HTTPRoute", Object: &metav1.ObjectMeta{Namespace: "web", Name: fmt.Sprintf("route-%d", i)}},
			Rules: []*graph.Rule{{
				Matches: []graph.Match{{PathKind: graph.PathPrefix, Path: path}},
				Upstream: &graph.Upstream{
					ID:        fmt.Sprintf("web-%d-80", i),
					Endpoints: []bundle.Endpoint{{Address: "10.42.0.11", Port: 8080, Weight: 1}},
				},
			}},
		}
		l.Routes = append(l.Routes, graph.Attachment{
			Route: route, Hostnames: []graph.Hostname{{Effective: hostname, Written: hostname}},
		})
	}
	return &graph.Gateway{Source: &gatewayv1.Gateway{}, Listeners: []*graph.Listener{l}}
}

func BenchmarkRender(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		for name, own := range map[string]bool{"hostnames": true, "paths": false} {
			g := gatewayWithRoutes(n, own)
			b.Run(fmt.Sprintf("%d %s", n, name), func(b *testing.B) {
				for b.Loop() {
					Render(g, Templates{})
				}
			})
		}
	}
}
