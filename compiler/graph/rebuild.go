package graph

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Rebuild returns what Build does. Before is the graph of an earlier snapshot, and
// change what differs since: rules that mean what they did are not read again. The
// graphs share them, as they share the sources.
func Rebuild(s snapshot.Snapshot, before Graph, change snapshot.Change) Graph {
	b := newBuilder(s)
	if !change.Others {
		b.remember(before, change)
	}
	return b.build()
}

// remember takes in the routes whose rules mean what they did: they have not
// changed, nor has a Service that they name. What else rules depend on, such as
// grants and policies, makes a change of others.
func (b *builder) remember(before Graph, change snapshot.Change) {
	b.known = make(map[snapshot.RouteKey]*Route, len(before.Routes))
	for _, route := range before.Routes {
		if !route.plain || change.Routes[route.Source.RouteKey()] || leadsTo(route, change.Services) {
			continue
		}
		b.known[route.Source.RouteKey()] = route
		for _, rule := range route.Rules {
			for _, u := range rule.upstreams() {
				if u != nil {
					b.upstreams[u.ID] = u
				}
			}
		}
	}
}

func leadsTo(route *Route, services map[types.NamespacedName]bool) bool {
	return len(services) > 0 &&
		slices.ContainsFunc(route.Source.Services(), func(s types.NamespacedName) bool { return services[s] })
}

// recall gives the route the rules that it had before; false where they have to be
// read.
func (b *builder) recall(route *Route) bool {
	known, ok := b.known[route.Source.RouteKey()]
	if !ok {
		return false
	}
	route.HTTP, route.Rules, route.plain = known.HTTP, known.Rules, true
	for i := range route.Parents {
		route.Parents[i].ResolvedRefs = allResolved()
	}
	return true
}
