package explain

import (
	"slices"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
)

// Everywhere explains the request at each Gateway that listens on its port, or
// at each port where it names none. Where a listener has the host, those that
// have not are left out.
func Everywhere(gateways []*graph.Gateway, routes []*graph.Route, r Request) []Explanation {
	var all []Explanation
	for _, g := range gateways {
		ports, tls := nginx.Listens(g)
		for _, port := range ports {
			at := r
			if r.Port == 0 {
				at.Port, at.TLS = port, tls[port]
			}
			if e, ok := Of(g, routes, at); ok && at.Port == port {
				all = append(all, e)
			}
		}
	}
	if slices.ContainsFunc(all, func(e Explanation) bool { return e.Listener != "" }) {
		all = slices.DeleteFunc(all, func(e Explanation) bool { return e.Listener == "" })
	}
	return all
}
