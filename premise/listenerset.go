package premise

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// listenerSetRefs are a ListenerSet's Gateway, and what its listeners have their
// certificates from.
func (a *assumption) listenerSetRefs(set *gatewayv1.ListenerSet) {
	parent, ok := graph.SetParent(set)
	if !ok {
		return
	}
	a.gateway(parent.Namespace, gatewayv1.ParentReference{Name: gatewayv1.ObjectName(parent.Name)})
	if g, ok := a.made.Gateways.Get(parent.Namespace, parent.Name); ok {
		a.certificateRefs(graph.OwnerOfSet(set, g))
	}
}

// listenerSet stands for a ListenerSet that lets every route in, with a listener
// for each name and port that routes ask for, of a Gateway of ours.
func (a *assumption) listenerSet(namespace string, ref gatewayv1.ParentReference) {
	if len(a.given.ListenerSets.InNamespace(namespace)) > 0 {
		return
	}
	// Each has a Gateway of its own, as two might clash at one.
	g := &gatewayv1.Gateway{ObjectMeta: named(namespace, standIn+" "+string(ref.Name))}
	g.Spec.GatewayClassName = standIn
	g.Spec.AllowedListeners = anyListenerSet()
	set := &gatewayv1.ListenerSet{ObjectMeta: named(namespace, string(ref.Name))}
	set.Spec.ParentRef.Name = gatewayv1.ObjectName(g.Name)
	a.ownClass()
	a.assume("ListenerSet", set)
	known, ok := a.made.ListenerSets.Get(namespace, string(ref.Name))
	if !ok {
		return
	}
	if _, ok := a.made.Existing(g); !ok {
		// Every ListenerSet has one, so it is not worth a word.
		a.made = a.made.With(g)
	}
	if l, ok := listenerFor(graph.OwnerOfSet(known, g).Listeners, ref); ok {
		grown := known.DeepCopy()
		grown.Spec.Listeners = append(grown.Spec.Listeners, gatewayv1.ListenerEntry(l))
		a.made = a.made.With(grown)
	}
}

func anyListenerSet() *gatewayv1.AllowedListeners {
	return &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromAll)}}
}
