package judgement

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// losses says what others had before the change and have not after it. What was
// broken before is no loss. The order is that of the graphs, which is sorted.
func (c Change) losses(before, after graph.Graph) []string {
	var said []string
	said = append(said, c.lostGateways(before, after)...)
	said = append(said, c.lostListenerSets(before, after)...)
	said = append(said, c.lostCertificates(before, after)...)
	said = append(said, c.lostAttachments(before, after)...)
	return append(said, c.lostReferences(before, after)...)
}

// isSubject says whether the change is to that object itself.
func (c Change) isSubject(kind string, key types.NamespacedName) bool {
	return c.subject() == diagnostic.Object{Kind: kind, Namespace: key.Namespace, Name: key.Name}
}

// lostGateways are Gateways that were accepted and no longer are, because of
// their class or their configuration.
func (c Change) lostGateways(before, after graph.Graph) []string {
	now := map[types.NamespacedName]*graph.Gateway{}
	for _, g := range after.Gateways {
		now[g.Key()] = g
	}
	var said []string
	for _, g := range before.Gateways {
		is := now[g.Key()]
		switch {
		case c.isSubject("Gateway", g.Key()) || !g.Accepted.True:
		case is == nil:
			said = append(said, fmt.Sprintf("Gateway %s is no longer served: its GatewayClass is not Gatewright's any more", g.Key()))
		case !is.Accepted.True:
			said = append(said, because(fmt.Sprintf("Gateway %s is no longer accepted", g.Key()), is.Accepted.Message))
		}
	}
	return said
}

// lostAttachments are routes that a Gateway accepted and no longer does.
func (c Change) lostAttachments(before, after graph.Graph) []string {
	now := verdicts(after)
	var said []string
	for _, route := range before.Routes {
		if c.isSubject(route.Source.Kind, route.Key()) {
			continue
		}
		for _, parent := range route.Parents {
			is := now[attachmentOf(route, parent)]
			if !parent.Accepted.True || is.True {
				continue
			}
			if !c.mayTellOf(parent) {
				continue
			}
			said = append(said, because(fmt.Sprintf("%s is no longer served by %s", route.Source.RouteKey(), c.called(parent)), is.Message))
		}
	}
	return said
}

// mayTellOf says whether who makes the change may hear of the parent's routes. A
// ListenerSet's owner hears nothing of other namespaces, which are not theirs to
// read.
func (c Change) mayTellOf(p graph.Parent) bool {
	return c.Kind != "ListenerSet" || p.ListenerSet != nil && p.ListenerSet.Source.Namespace == c.Old.GetNamespace()
}

// called is what the parent is to who makes the change.
func (c Change) called(p graph.Parent) string {
	kind, key := "Gateway", p.Gateway.Key()
	if p.ListenerSet != nil {
		kind, key = "ListenerSet", p.ListenerSet.Key()
	}
	if c.isSubject(kind, key) {
		return "this " + kind
	}
	return kind + " " + key.String()
}

// attachment identifies one parentRef of one route.
type attachment struct {
	route   snapshot.RouteKey
	gateway types.NamespacedName
	set     types.NamespacedName
	section gatewayv1.SectionName
	port    gatewayv1.PortNumber
}

func attachmentOf(route *graph.Route, parent graph.Parent) attachment {
	at := attachment{route: route.Source.RouteKey(), gateway: parent.Gateway.Key()}
	if parent.ListenerSet != nil {
		at.set = parent.ListenerSet.Key()
	}
	if parent.Ref.SectionName != nil {
		at.section = *parent.Ref.SectionName
	}
	if parent.Ref.Port != nil {
		at.port = *parent.Ref.Port
	}
	return at
}

// verdicts returns what each attachment was told.
func verdicts(g graph.Graph) map[attachment]graph.Verdict {
	told := map[attachment]graph.Verdict{}
	for _, route := range g.Routes {
		for _, parent := range route.Parents {
			told[attachmentOf(route, parent)] = parent.Accepted
		}
	}
	return told
}

// unreached are the checks of references to backends.
var unreached = []string{
	diagnostic.BackendNotFound.ID, diagnostic.BackendPortNotFound.ID, diagnostic.BackendNotPermitted.ID,
	diagnostic.BackendExternalName.ID, diagnostic.BackendProtocol.ID,
}

// lostReferences are backends that other routes reached, and requests that they
// got.
func (c Change) lostReferences(before, after graph.Graph) []string {
	served := map[diagnostic.Object]bool{}
	for _, r := range before.Routes {
		if !slices.ContainsFunc(r.Parents, func(p graph.Parent) bool { return p.Accepted.True }) {
			continue
		}
		served[diagnostic.Object{Kind: r.Source.Kind, Namespace: r.Source.GetNamespace(), Name: r.Source.GetName()}] = true
	}
	var said []string
	for _, d := range added(before.Diagnostics, after.Diagnostics) {
		var loses string
		switch {
		case d.Object == c.subject() || !served[d.Object]:
			continue
		case slices.Contains(unreached, d.Check) && c.Kind == "Service":
			loses = fmt.Sprintf("%s no longer reaches Service %s", d.Object, snapshot.KeyOf(c.Old))
		case slices.Contains(unreached, d.Check):
			loses = fmt.Sprintf("%s no longer reaches its backend", d.Object)
		case d.Check == diagnostic.ShadowedMatch.ID && slices.ContainsFunc(before.Diagnostics, func(b diagnostic.Diagnostic) bool {
			return b.Check == d.Check && b.Object == d.Object && b.Field == d.Field
		}):
			// Of another hostname now, but it had nothing before either.
			continue
		case d.Check == diagnostic.ShadowedMatch.ID:
			loses = fmt.Sprintf("%s no longer gets all of its requests", d.Object)
		case d.Check == diagnostic.RedirectedRoute.ID:
			loses = fmt.Sprintf("%s no longer answers over HTTP", d.Object)
		default:
			continue
		}
		d.Fix = ""
		said = append(said, because(loses, d.String()))
	}
	return said
}

func because(loss, why string) string {
	if why == "" {
		return loss
	}
	return loss + ": " + why
}
