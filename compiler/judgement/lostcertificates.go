package judgement

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// listener identifies a listener of a Gateway or ListenerSet.
type listener struct {
	owner diagnostic.Object
	name  gatewayv1.SectionName
}

func listenerOf(l *graph.Listener) listener {
	return listener{diagnostic.Object{Kind: l.Owner.Kind, Namespace: l.Owner.GetNamespace(), Name: l.Owner.GetName()}, l.Source.Name}
}

// lostCertificates are listeners of other objects that lose what they refer to.
func (c Change) lostCertificates(before, after graph.Graph) []string {
	now := map[listener]*graph.Listener{}
	for _, g := range after.Gateways {
		for _, l := range g.Listeners {
			now[listenerOf(l)] = l
		}
	}
	var said []string
	for _, g := range before.Gateways {
		for _, l := range g.Listeners {
			of := listenerOf(l)
			if of.owner == c.subject() {
				continue
			}
			loses := fmt.Sprintf("listener %s of %s loses its certificate", of.name, of.owner)
			is := now[of]
			switch {
			case c.takesCertificate(l):
				said = append(said, fmt.Sprintf("%s, which is in Secret %s", loses, snapshot.KeyOf(c.Old)))
			case is != nil && len(is.Certificates) < len(l.Certificates):
				said = append(said, because(loses, reasonOf(is, after)))
			}
		}
	}
	return said
}

// reasonOf returns what is wrong with the listener's references, without what to
// write instead: that is the business of the Gateway's owner, not that of who
// changes something else.
func reasonOf(l *graph.Listener, in graph.Graph) string {
	subject := listenerOf(l).owner
	for _, d := range in.Diagnostics {
		if d.Object == subject && d.Reason == l.ResolvedRefs.Reason &&
			strings.HasPrefix(d.Field, fmt.Sprintf("spec.listeners[%d].", l.Index)) {
			d.Fix = ""
			return d.String()
		}
	}
	return l.ResolvedRefs.Message
}

// takesCertificate says whether a Secret is deleted that the listener has a
// certificate from. Admission knows no Secrets, so the graph does not tell.
func (c Change) takesCertificate(l *graph.Listener) bool {
	return c.Kind == "Secret" && c.New == nil && slices.ContainsFunc(l.Certificates, func(have graph.Certificate) bool {
		return have.Secret == snapshot.KeyOf(c.Old)
	})
}
