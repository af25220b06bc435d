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
		ports, tls := portsFor(g, r)
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

// portsFor are the ports at which the request may arrive, and which of them speak
// TLS. A port of connections of any kind is only meant by who names it.
func portsFor(g *graph.Gateway, r Request) ([]int32, map[int32]bool) {
	ports, tls := nginx.Listens(g)
	fronts, plain := nginx.ListensForStreams(g)
	for _, port := range fronts {
		tls[port] = true
	}
	ports = append(ports, fronts...)
	if r.Port != 0 {
		ports = append(ports, plain...)
	}
	slices.Sort(ports)
	return slices.Compact(ports), tls
}
