package observer

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Interest says which objects can bear on our Gateways, so that events about
// others cost nothing. Objects that are referred to belong to it before they
// exist.
type Interest struct {
	classes  map[gatewayv1.ObjectName]bool
	gateways map[types.NamespacedName]bool
	// sets are the ListenerSets of these Gateways.
	sets     map[types.NamespacedName]bool
	services map[types.NamespacedName]bool
	contents contents
	// issuing are the namespaces of the Secrets.
	issuing map[string]bool
	// named are the namespaces of all that is referred to, where ReferenceGrants
	// count.
	named map[string]bool
}

// Interest reads what bears on our Gateways now. Whoever filters events by it
// must take it before a snapshot, or an event in between would be lost.
func (o *Observer) Interest(ctx context.Context) (Interest, error) {
	s, err := o.objects(ctx)
	if err != nil {
		return Interest{}, err
	}
	return interestOf(s), nil
}

func interestOf(s snapshot.Snapshot) Interest {
	interest := Interest{
		classes:  map[gatewayv1.ObjectName]bool{},
		gateways: map[types.NamespacedName]bool{},
		sets:     map[types.NamespacedName]bool{},
		services: map[types.NamespacedName]bool{},
		contents: named(s),
		issuing:  map[string]bool{},
		named:    map[string]bool{},
	}
	for secret := range interest.contents.secrets {
		interest.issuing[secret.Namespace] = true
	}
	for _, c := range s.GatewayClasses.All() {
		if c.Spec.ControllerName == v1alpha1.ControllerName {
			interest.classes[gatewayv1.ObjectName(c.Name)] = true
		}
	}
	for _, g := range s.Gateways.All() {
		if interest.classes[g.Spec.GatewayClassName] {
			interest.gateways[snapshot.KeyOf(g)] = true
		}
	}
	for _, set := range s.ListenerSets.All() {
		if parent, ok := graph.SetParent(set); ok && interest.gateways[parent] {
			interest.sets[snapshot.KeyOf(set)] = true
		}
	}
	for _, r := range s.Routes() {
		if interest.Route(r) {
			for _, ref := range r.BackendRefs() {
				interest.addBackend(r.GetNamespace(), ref)
			}
		}
	}
	interest.contents.addBackendAuthorities(s, interest.services)
	for _, named := range []map[types.NamespacedName]bool{interest.services, interest.contents.secrets, interest.contents.configMaps} {
		for key := range named {
			interest.named[key.Namespace] = true
		}
	}
	return interest
}

func (i Interest) addBackend(namespace string, ref gatewayv1.BackendObjectReference) {
	key := types.NamespacedName{Namespace: namespace, Name: string(ref.Name)}
	if ref.Namespace != nil {
		key.Namespace = string(*ref.Namespace)
	}
	i.services[key] = true
}

// Gateways are those of our classes.
func (i Interest) Gateways() map[types.NamespacedName]bool { return i.gateways }

// Gateway says whether the Gateway is of one of our classes, or was.
func (i Interest) Gateway(g *gatewayv1.Gateway) bool {
	return i.classes[g.Spec.GatewayClassName] || i.gateways[snapshot.KeyOf(g)]
}

// ListenerSet says whether the ListenerSet is for a Gateway of ours, or was.
func (i Interest) ListenerSet(set *gatewayv1.ListenerSet) bool {
	parent, ok := graph.SetParent(set)
	return ok && i.gateways[parent] || i.sets[snapshot.KeyOf(set)]
}

// BackendTLSPolicy says whether the policy is for a Service that a route of ours
// refers to, or has our word in its status.
func (i Interest) BackendTLSPolicy(p *gatewayv1.BackendTLSPolicy) bool {
	return slices.ContainsFunc(graph.BackendTLSTargets(p), i.Service) ||
		slices.ContainsFunc(p.Status.Ancestors, func(a gatewayv1.PolicyAncestorStatus) bool {
			return a.ControllerName == v1alpha1.ControllerName
		})
}

// ReferenceGrant says whether something in the grant's namespace is referred to
// by what is ours.
func (i Interest) ReferenceGrant(g *gatewayv1.ReferenceGrant) bool { return i.named[g.Namespace] }

// Route says whether the route refers to a Gateway of ours or to a ListenerSet of
// one, or has our word in its status.
func (i Interest) Route(r snapshot.Route) bool {
	for _, ref := range r.ParentRefs {
		key := types.NamespacedName{Namespace: r.GetNamespace(), Name: string(ref.Name)}
		if ref.Namespace != nil {
			key.Namespace = string(*ref.Namespace)
		}
		ours := i.gateways
		if ref.Kind != nil && *ref.Kind == "ListenerSet" {
			ours = i.sets
		}
		if ours[key] {
			return true
		}
	}
	for _, p := range r.Parents {
		if p.ControllerName == v1alpha1.ControllerName {
			return true
		}
	}
	return false
}

// Service says whether a route of ours refers to the Service.
func (i Interest) Service(key types.NamespacedName) bool { return i.services[key] }

// Secret says whether a Gateway of ours refers to the Secret, or a policy of its
// backends.
func (i Interest) Secret(key types.NamespacedName) bool { return i.contents.secrets[key] }

// ConfigMap says whether a Gateway of ours refers to the ConfigMap, or a policy
// of its backends.
func (i Interest) ConfigMap(key types.NamespacedName) bool { return i.contents.configMaps[key] }

// Issuing says whether a listener of ours refers to a Secret of the namespace,
// so that what cert-manager does there may be for it.
func (i Interest) Issuing(namespace string) bool { return i.issuing[namespace] }
