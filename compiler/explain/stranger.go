package explain

import (
	"fmt"
	"slices"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
)

// strangers are routes that name the Gateway and are no candidates at all.
func (e *Explanation) strangers(g *graph.Gateway, host nginx.Host, routes []*graph.Route) {
	for _, route := range routes {
		if slices.ContainsFunc(host.Candidates, func(c nginx.Candidate) bool { return c.Route == route }) {
			continue
		}
		if why, ok := strange(g, host, route, e.Request); ok {
			e.Others = append(e.Others, Other{Rule: Rule{Route: route.Key()}, Whole: true, Why: why})
		}
	}
}

// strange says why the route is no candidate; false where it has nothing to do
// with the Gateway.
func strange(g *graph.Gateway, host nginx.Host, route *graph.Route, r Request) (string, bool) {
	at := slices.IndexFunc(route.Parents, func(p graph.Parent) bool { return p.Gateway == g })
	if at < 0 {
		return "", false
	}
	var elsewhere *graph.Listener
	for _, l := range g.Listeners {
		if !slices.ContainsFunc(l.Routes, func(a graph.Attachment) bool { return a.Route == route }) {
			continue
		}
		if l == host.Listener {
			return fmt.Sprintf("it has other hostnames than %q", r.Host), true
		}
		if elsewhere == nil || l.Source.Port == r.Port {
			elsewhere = l
		}
	}
	switch {
	case elsewhere == nil:
		return "it is not attached to the Gateway: " + route.Parents[at].Accepted.Message, true
	case elsewhere.Source.Port != r.Port:
		return fmt.Sprintf("it is attached to %s, on port %d", elsewhere.Called(), elsewhere.Source.Port), true
	case host.Listener == nil:
		return fmt.Sprintf("it is attached to %s, which does not have the host", elsewhere.Called()), true
	}
	return fmt.Sprintf("it is attached to %s; the host belongs to %s", elsewhere.Called(), host.Listener.Called()), true
}
