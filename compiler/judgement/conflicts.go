package judgement

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// mostRounds of looking for what decides about what decides about a route. Where
// they do not do, all routes are kept.
const mostRounds = 8

// keep keeps the routes that are near, and those that decide whether these are
// served at all: an older HTTPRoute takes a younger GRPCRoute off a listener
// where they have a host in common, and the other way round, unless an older one
// yet takes the older one off.
func (c Change) keep(s snapshot.Snapshot, near func(snapshot.Route) bool) snapshot.Snapshot {
	hosts := map[string]*reach{"HTTPRoute": {}, "GRPCRoute": {}}
	add := func(r snapshot.Route) {
		if of := hosts[r.Kind]; of != nil {
			of.add(r)
		}
	}
	for _, o := range []metav1.Object{c.Old, c.New} {
		if r, ok := snapshot.RouteOf(o); ok {
			add(r)
		}
	}
	if s.GRPCRoutes.Len() == 0 && hosts["GRPCRoute"].isEmpty() {
		return s.WhereRoutes(near)
	}
	kept := map[snapshot.RouteKey]bool{}
	routes := s.Routes()
	for _, r := range routes {
		if near(r) {
			kept[r.RouteKey()] = true
			add(r)
		}
	}
	rival := map[string]*reach{"HTTPRoute": hosts["GRPCRoute"], "GRPCRoute": hosts["HTTPRoute"]}
	for range mostRounds {
		grown := false
		for _, r := range routes {
			if other := rival[r.Kind]; other != nil && !kept[r.RouteKey()] && other.has(r) {
				kept[r.RouteKey()], grown = true, true
				add(r)
			}
		}
		if !grown {
			return s.WhereRoutes(func(r snapshot.Route) bool { return kept[r.RouteKey()] })
		}
	}
	return s
}

// reach is which hosts the hostnames of some routes mean.
type reach struct {
	// any is for routes that name no hostname.
	any bool
	// names are as written, in lower case; wildcards are those that begin with *.,
	// without it; above are the domains that have a name below them.
	names, wildcards, above map[string]bool
}

func (h *reach) isEmpty() bool { return !h.any && len(h.names) == 0 }

func (h *reach) add(r snapshot.Route) {
	if h.names == nil {
		h.names, h.wildcards, h.above = map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	h.any = h.any || len(r.Hostnames) == 0
	for _, written := range r.Hostnames {
		name := strings.ToLower(string(written))
		h.names[name] = true
		if domain, isWildcard := strings.CutPrefix(name, "*."); isWildcard {
			h.wildcards[domain] = true
		}
		for domain := parent(name); domain != ""; domain = parent(domain) {
			h.above[domain] = true
		}
	}
}

// parent is the domain that the name is directly in; empty above the last.
func parent(name string) string {
	_, domain, _ := strings.Cut(name, ".")
	return domain
}

// has says that the route has a host in common with those.
func (h *reach) has(r snapshot.Route) bool {
	if h.any || len(r.Hostnames) == 0 {
		return !h.isEmpty()
	}
	for _, written := range r.Hostnames {
		if h.hasName(written) {
			return true
		}
	}
	return false
}

func (h *reach) hasName(written gatewayv1.Hostname) bool {
	name := strings.ToLower(string(written))
	if h.names[name] {
		return true
	}
	if domain, isWildcard := strings.CutPrefix(name, "*."); isWildcard && h.above[domain] {
		return true
	}
	for domain := parent(name); domain != ""; domain = parent(domain) {
		if h.wildcards[domain] {
			return true
		}
	}
	return false
}
