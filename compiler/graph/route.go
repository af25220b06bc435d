package graph

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// readRoutes finds the routes that name a Gateway of ours, or a ListenerSet of
// one.
func (b *builder) readRoutes() {
	for _, source := range b.s.Routes() {
		parents, findings := b.readParents(source)
		if len(parents) == 0 {
			b.report(source.Kind, source, findings...)
			continue
		}
		route := &Route{Source: source, Parents: parents}
		b.g.Routes = append(b.g.Routes, route)
		findings = append(findings, b.readRulesOf(route)...)
		findings = append(findings, hostnameFindings(source)...)
		findings = append(findings, b.attach(route)...)
		if !b.isOursAlone(source) {
			softened(findings)
		}
		b.report(source.Kind, source, findings...)
	}
	b.sortAttachments()
	b.separateHTTPAndGRPC()
}

// readParents returns the route's parents that are Gateways of ours, or
// ListenerSets of these. One that does not exist could be anybody's, so it is
// told and nothing else is judged.
func (b *builder) readParents(source snapshot.Route) (parents []Parent, findings []diagnostic.Diagnostic) {
	for i, ref := range source.ParentRefs {
		if p, ours := b.parentOf(ref, source.GetNamespace()); ours {
			p.Index = i
			parents = append(parents, p)
			continue
		}
		field := fmt.Sprintf("spec.parentRefs[%d]", i)
		if key, ok := gatewayOf(ref, source.GetNamespace()); ok {
			if _, exists := b.s.Gateways.Get(key.Namespace, key.Name); !exists {
				findings = append(findings, b.gatewayNotFound(field, key))
			}
		}
		if key, ok := listenerSetOf(ref, source.GetNamespace()); ok {
			if _, exists := b.s.ListenerSets.Get(key.Namespace, key.Name); !exists {
				findings = append(findings, b.listenerSetNotFound(field, key))
			}
		}
	}
	return parents, findings
}

// parentOf returns what the parentRef means; false where it is none of ours.
func (b *builder) parentOf(ref gatewayv1.ParentReference, namespace string) (Parent, bool) {
	if key, ok := listenerSetOf(ref, namespace); ok {
		if set, ours := b.sets[key]; ours {
			return Parent{Ref: ref, Gateway: set.Gateway, ListenerSet: set}, true
		}
	}
	if key, ok := gatewayOf(ref, namespace); ok {
		if g, ours := b.gateways[key]; ours {
			return Parent{Ref: ref, Gateway: g}, true
		}
	}
	return Parent{}, false
}

func (b *builder) gatewayNotFound(field string, key types.NamespacedName) diagnostic.Diagnostic {
	var names []string
	for _, g := range b.s.Gateways.InNamespace(key.Namespace) {
		names = append(names, g.Name)
	}
	return diagnostic.ParentNotFound.At(field,
		fmt.Sprintf("Gateway %q not found in namespace %q", key.Name, key.Namespace), meant(key.Name, names))
}

func (b *builder) listenerSetNotFound(field string, key types.NamespacedName) diagnostic.Diagnostic {
	var names []string
	for _, set := range b.s.ListenerSets.InNamespace(key.Namespace) {
		names = append(names, set.Name)
	}
	return diagnostic.ParentNotFound.At(field,
		fmt.Sprintf("ListenerSet %q not found in namespace %q", key.Name, key.Namespace),
		cmp.Or(meant(key.Name, names), "name a ListenerSet that exists, with its namespace"))
}

// gatewayOf returns the Gateway that a parentRef means; false where it means
// something else.
func gatewayOf(ref gatewayv1.ParentReference, namespace string) (types.NamespacedName, bool) {
	if ref.Kind != nil && *ref.Kind != kindGateway {
		return types.NamespacedName{}, false
	}
	return parentKey(ref, namespace)
}

// listenerSetOf returns the ListenerSet that a parentRef means; false where it
// means something else.
func listenerSetOf(ref gatewayv1.ParentReference, namespace string) (types.NamespacedName, bool) {
	if ref.Kind == nil || *ref.Kind != kindListenerSet {
		return types.NamespacedName{}, false
	}
	return parentKey(ref, namespace)
}

func parentKey(ref gatewayv1.ParentReference, namespace string) (types.NamespacedName, bool) {
	if ref.Group != nil && *ref.Group != gatewayv1.GroupName {
		return types.NamespacedName{}, false
	}
	if ref.Namespace != nil && *ref.Namespace != "" {
		namespace = string(*ref.Namespace)
	}
	return types.NamespacedName{Namespace: namespace, Name: string(ref.Name)}, true
}

// isOursAlone says whether every parent is ours: what is beyond us
// may be well with another implementation.
func (b *builder) isOursAlone(source snapshot.Route) bool {
	for _, ref := range source.ParentRefs {
		if _, ours := b.parentOf(ref, source.GetNamespace()); !ours {
			return false
		}
	}
	return true
}

func softened(findings []diagnostic.Diagnostic) {
	for i := range findings {
		if findings[i].Severity == diagnostic.Deny {
			findings[i].Severity = diagnostic.Warn
		}
	}
}

// readRulesOf reads the rules of a route, each kind in its own way.
func (b *builder) readRulesOf(route *Route) []diagnostic.Diagnostic {
	if b.recall(route) {
		return nil
	}
	if http, ok := route.Source.Object.(*gatewayv1.HTTPRoute); ok {
		route.HTTP = http
		return b.readRules(route)
	}
	if grpc, ok := route.Source.Object.(*gatewayv1.GRPCRoute); ok {
		route.HTTP = httpForm(grpc)
		return b.readRules(route)
	}
	if rules, ok := streamRules(route.Source.Object); ok {
		return b.readStreamRules(route, rules)
	}
	for i := range route.Parents {
		route.Parents[i].ResolvedRefs = allResolved()
	}
	return nil
}

func allResolved() Verdict {
	return yes(string(gatewayv1.RouteReasonResolvedRefs), "All references are resolved")
}

// readRules reads the rules of an HTTPRoute or GRPCRoute, and sums up for all
// parents what they refer to and which of them can not do what they say.
func (b *builder) readRules(route *Route) []diagnostic.Diagnostic {
	var findings, faults, unresolved []diagnostic.Diagnostic
	var dropped []string
	for i := range route.HTTP.Spec.Rules {
		r := b.readRule(route, i)
		if len(r.rule.Matches) > 0 {
			route.Rules = append(route.Rules, r.rule)
		}
		if len(r.faults) > 0 {
			dropped = append(dropped, fmt.Sprintf("%d (%s)", i, sentences(r.faults)))
		}
		faults = append(faults, r.faults...)
		unresolved = append(unresolved, r.unresolved...)
		findings = append(findings, r.remarks...)
	}
	accepted := Verdict{}
	switch {
	case len(dropped) == 0:
	case len(dropped) == len(route.HTTP.Spec.Rules):
		accepted = no(faults[0].Reason, sentences(faults))
	default:
		route.PartiallyInvalid = yes(string(gatewayv1.RouteReasonUnsupportedValue),
			"Dropped Rule "+strings.Join(dropped, ", ")+": requests that match it are answered with 500")
	}
	resolved := allResolved()
	if len(unresolved) > 0 {
		resolved = no(unresolved[0].Reason, sentences(unresolved))
	}
	for i := range route.Parents {
		route.Parents[i].Accepted, route.Parents[i].ResolvedRefs = accepted, resolved
	}
	findings = append(append(findings, faults...), unresolved...)
	route.plain = len(findings) == 0
	return findings
}

// hostnameFindings finds names that are none. They match nothing.
func hostnameFindings(source snapshot.Route) []diagnostic.Diagnostic {
	var findings []diagnostic.Diagnostic
	for i, h := range source.Hostnames {
		if _, ok := lowerHostname(string(h)); !ok {
			findings = append(findings, diagnostic.InvalidHostname.At(fmt.Sprintf("spec.hostnames[%d]", i),
				fmt.Sprintf("%q is no hostname", h), ""))
		}
	}
	return findings
}
