package graph

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// attach attaches the route to listeners of its parents.
//
// A route of which no rule can do what it says is not accepted, and yet it is
// attached: its requests are answered with 500, and do not fall through to what
// another route would do with them.
func (b *builder) attach(route *Route) []diagnostic.Diagnostic {
	var findings []diagnostic.Diagnostic
	var attached []*Listener
	for i := range route.Parents {
		p := &route.Parents[i]
		listeners, objection := b.listenersFor(route, p)
		if objection != nil {
			findings = append(findings, *objection)
			p.Accepted = no(objection.Reason, objection.String())
			continue
		}
		if q, refused := b.s.Quarantined[route.Source.RouteKey()]; refused && q.Generation == route.Source.GetGeneration() {
			p.Accepted = no(string(gatewayv1.RouteReasonUnsupportedValue),
				"nginx refused what follows from this route, so it is left out until it changes: "+q.Message)
			continue
		}
		// Rules that all fail have said so already.
		refused := p.Accepted.Reason != ""
		if !refused {
			p.Accepted = yes(string(gatewayv1.RouteReasonAccepted), "The route is accepted")
		}
		for _, l := range listeners {
			attachTo(l, route, !refused)
		}
		attached = append(attached, listeners...)
	}
	if isRedirected(route, attached) && b.isOursAlone(route.Source) {
		findings = append(findings, diagnostic.RedirectedRoute.At("spec.parentRefs",
			"the listeners that the route is attached to redirect all its requests to HTTPS", ""))
	}
	return findings
}

// listenersFor returns the listeners of the parent that take the route, or why
// there is none: it asks for which listeners are meant, which of these allow
// the route, and which of those share a hostname with it.
func (b *builder) listenersFor(route *Route, p *Parent) ([]*Listener, *diagnostic.Diagnostic) {
	field := fmt.Sprintf("spec.parentRefs[%d]", p.Index)
	if p.ListenerSet != nil && !p.ListenerSet.allowed {
		return nil, new(diagnostic.ParentNotAttached.At(field,
			fmt.Sprintf("%s has no listeners, as its Gateway does not let it in", p.name()), ""))
	}
	named := slices.DeleteFunc(slices.Clone(p.listeners()), func(l *Listener) bool { return !isMeant(p.Ref, l) })
	if len(named) == 0 {
		return nil, noListener(p, field)
	}
	allowing := slices.DeleteFunc(slices.Clone(named), func(l *Listener) bool {
		return !l.takes(route.Source.Kind) || !b.allowsNamespace(l, route.Source.GetNamespace())
	})
	if len(allowing) == 0 {
		return nil, new(diagnostic.NotAllowedByListeners.At(field,
			fmt.Sprintf("no listener of %s allows %ss of namespace %q", p.name(), route.Source.Kind, route.Source.GetNamespace()),
			howToAllow(route.Source.Kind, named)))
	}
	sharing := slices.DeleteFunc(allowing, func(l *Listener) bool {
		return len(commonHostnames(l.Hostname, route.Source.Hostnames)) == 0
	})
	if len(sharing) == 0 {
		return nil, noHostname(route, p)
	}
	return sharing, nil
}

// listeners are those that the parentRef can mean: a Gateway's own, and not
// those of its ListenerSets, which are parents themselves (GEP-1713).
func (p *Parent) listeners() []*Listener {
	if p.ListenerSet != nil {
		return p.ListenerSet.Listeners
	}
	return p.Gateway.OwnListeners()
}

func (p *Parent) name() string {
	if p.ListenerSet != nil {
		return kindListenerSet + " " + p.ListenerSet.Key().String()
	}
	return kindGateway + " " + p.Gateway.Key().String()
}

// MayAttach says whether a parentRef of the route means that listener of the
// Gateway, and a hostname of both.
func MayAttach(r snapshot.Route, gateway types.NamespacedName, l *gatewayv1.Listener) bool {
	listener := Listener{Source: l}
	if l.Hostname != nil {
		listener.Hostname = strings.ToLower(string(*l.Hostname))
	}
	return len(commonHostnames(listener.Hostname, r.Hostnames)) > 0 &&
		slices.ContainsFunc(r.ParentRefs, func(ref gatewayv1.ParentReference) bool {
			key, ok := gatewayOf(ref, r.GetNamespace())
			return (!ok || key == gateway) && isMeant(ref, &listener)
		})
}

// howToAllow says what to change for one of the listeners to take routes of the
// kind.
func howToAllow(kind string, listeners []*Listener) string {
	var protocols []string
	for protocol, kinds := range routeKinds {
		if slices.Contains(kinds, gatewayv1.Kind(kind)) {
			protocols = append(protocols, string(protocol))
		}
	}
	slices.Sort(protocols)
	if !slices.ContainsFunc(listeners, func(l *Listener) bool { return slices.Contains(protocols, string(l.Source.Protocol)) }) {
		return fmt.Sprintf("routes of kind %s need a listener of protocol %s", kind, strings.Join(protocols, " or "))
	}
	return "change the listener's allowedRoutes (allowedRoutes.namespaces.from is Same unless written otherwise)"
}

// takes says whether routes of the kind may attach.
func (l *Listener) takes(kind string) bool {
	return slices.ContainsFunc(l.SupportedKinds, func(k gatewayv1.RouteGroupKind) bool { return string(k.Kind) == kind })
}

func isMeant(ref gatewayv1.ParentReference, l *Listener) bool {
	return (ref.SectionName == nil || *ref.SectionName == "" || *ref.SectionName == l.Source.Name) &&
		(ref.Port == nil || *ref.Port == l.Source.Port)
}

func noListener(p *Parent, field string) *diagnostic.Diagnostic {
	var names, known []string
	for _, l := range p.listeners() {
		names = append(names, string(l.Source.Name))
		known = append(known, fmt.Sprintf("%s (port %d)", l.Source.Name, l.Source.Port))
	}
	var asked []string
	fix := ""
	if p.Ref.SectionName != nil && *p.Ref.SectionName != "" {
		asked = append(asked, fmt.Sprintf("named %q", *p.Ref.SectionName))
		fix = meant(string(*p.Ref.SectionName), names)
	}
	if p.Ref.Port != nil {
		asked = append(asked, fmt.Sprintf("on port %d", *p.Ref.Port))
	}
	if fix == "" {
		fix = "it has " + strings.Join(known, ", ")
	}
	return new(diagnostic.ListenerNotFound.At(field,
		fmt.Sprintf("%s has no listener %s", p.name(), strings.Join(asked, " ")), fix))
}

func noHostname(route *Route, p *Parent) *diagnostic.Diagnostic {
	var own, theirs []string
	for _, h := range route.Source.Hostnames {
		own = append(own, string(h))
	}
	for _, l := range p.listeners() {
		if isMeant(p.Ref, l) {
			theirs = append(theirs, fmt.Sprintf("%s on listener %s", l.Hostname, l.Source.Name))
		}
	}
	return new(diagnostic.HostnameWithoutListener.At("spec.hostnames",
		fmt.Sprintf("hostname %s matches no listener of %s (it has %s)",
			strings.Join(own, ", "), p.name(), strings.Join(theirs, ", ")),
		"add a listener or change the hostname"))
}

// attachTo attaches the route unless another parentRef did so already. It was
// then the last one: routes are attached one after the other.
func attachTo(l *Listener, route *Route, counts bool) {
	if n := len(l.Routes); n > 0 && l.Routes[n-1].Route == route {
		return
	}
	l.Routes = append(l.Routes, Attachment{
		Route: route, Hostnames: commonHostnames(l.Hostname, route.Source.Hostnames), Counted: counts,
	})
	if counts {
		l.AttachedRoutes++
	}
}

// sortAttachments puts the routes of each listener in the order in which they
// win.
func (b *builder) sortAttachments() {
	for _, g := range b.g.Gateways {
		for _, l := range g.Listeners {
			slices.SortFunc(l.Routes, func(x, y Attachment) int { return compareAge(x.Route.Source, y.Route.Source) })
		}
	}
}
