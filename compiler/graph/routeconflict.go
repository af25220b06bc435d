package graph

import (
	"fmt"
	"slices"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// separateHTTPAndGRPC takes a route off a listener where an older one of the other
// kind has a hostname in common: of an HTTPRoute and a GRPCRoute, only one may
// have it (Gateway API, GRPCRouteSpec.hostnames). The attachments are sorted by
// age.
func (b *builder) separateHTTPAndGRPC() {
	for _, g := range b.g.Gateways {
		for _, l := range g.Listeners {
			isGRPC := func(a Attachment) bool { return a.Route.Source.Kind == kindGRPCRoute }
			if !slices.ContainsFunc(l.Routes, isGRPC) {
				continue
			}
			var kept []Attachment
			for _, a := range l.Routes {
				older := slices.IndexFunc(kept, func(k Attachment) bool { return rivals(k, a) })
				if older < 0 {
					kept = append(kept, a)
					continue
				}
				b.detach(l, a, kept[older].Route)
			}
			l.Routes = kept
		}
	}
}

// rivals says that both are of HTTP, of different kinds, with a host in common.
func rivals(x, y Attachment) bool {
	kinds := []string{"HTTPRoute", kindGRPCRoute}
	if x.Route.Source.Kind == y.Route.Source.Kind || !slices.Contains(kinds, x.Route.Source.Kind) || !slices.Contains(kinds, y.Route.Source.Kind) {
		return false
	}
	return slices.ContainsFunc(x.Hostnames, func(a Hostname) bool {
		return slices.ContainsFunc(y.Hostnames, func(b Hostname) bool {
			_, common := narrower(a.Effective, b.Effective)
			return common
		})
	})
}

// detach tells the route that another one has its hostnames at the listener. A
// parentRef that has no other listener is not accepted.
func (b *builder) detach(l *Listener, a Attachment, older *Route) {
	finding := diagnostic.RouteKindConflict.At("spec.hostnames", fmt.Sprintf(
		"%s is older and has a hostname in common at listener %q, which serves either HTTPRoutes or GRPCRoutes of a host",
		older.Source.RouteKey(), l.Source.Name), "")
	b.report(a.Route.Source.Kind, a.Route.Source, finding)
	for i := range a.Route.Parents {
		p := &a.Route.Parents[i]
		if !p.Accepted.True || !slices.Contains(p.listeners(), l) || !isMeant(p.Ref, l) {
			continue
		}
		served := func(other *Listener) bool {
			return other != l && isMeant(p.Ref, other) &&
				slices.ContainsFunc(other.Routes, func(x Attachment) bool { return x.Route == a.Route })
		}
		if !slices.ContainsFunc(p.listeners(), served) {
			p.Accepted = no(finding.Reason, finding.String())
		}
	}
	if a.Counted {
		l.AttachedRoutes--
	}
}
