package graph

import (
	"maps"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The kinds that listeners are written in.
const (
	kindGateway     = "Gateway"
	kindListenerSet = "ListenerSet"
)

// ListenerOwner is the object that listeners are written in: a Gateway, or a
// ListenerSet of one. References of a listener are its owner's (GEP-1713), so
// they begin in the owner's namespace, with the owner's kind.
type ListenerOwner struct {
	metav1.Object
	// Kind is Gateway or ListenerSet.
	Kind string
	// Listeners as they are written, those of a ListenerSet too: they have the
	// same fields.
	Listeners []gatewayv1.Listener
	// Gateway is the owner itself, or the parent of a ListenerSet.
	Gateway *gatewayv1.Gateway
}

// OwnerOf returns the owner of a Gateway's own listeners.
func OwnerOf(g *gatewayv1.Gateway) ListenerOwner {
	return ListenerOwner{Object: g, Kind: kindGateway, Listeners: g.Spec.Listeners, Gateway: g}
}

// OwnerOfSet returns the owner of the listeners of a ListenerSet, whose parent
// is the Gateway.
func OwnerOfSet(set *gatewayv1.ListenerSet, g *gatewayv1.Gateway) ListenerOwner {
	o := ListenerOwner{Object: set, Kind: kindListenerSet, Gateway: g}
	for _, entry := range set.Spec.Listeners {
		o.Listeners = append(o.Listeners, gatewayv1.Listener(entry))
	}
	return o
}

// Key returns the owner's namespace and name.
func (o ListenerOwner) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// is says whether both are the same object.
func (o ListenerOwner) is(other ListenerOwner) bool {
	return o.Kind == other.Kind && o.Key() == other.Key()
}

// CertificateAnnotations are the annotations that cert-manager goes by: the
// owner's. A ListenerSet that names no issuer has that of its Gateway, and the
// issuer's kind and group are the Gateway's where the Gateway says them, as with
// cert-manager's controller of ListenerSets (certificate-shim).
func (o ListenerOwner) CertificateAnnotations() map[string]string {
	if o.Kind == kindGateway {
		return o.GetAnnotations()
	}
	all := maps.Clone(o.GetAnnotations())
	if all == nil {
		all = map[string]string{}
	}
	inherited := []string{cmv1.IssuerKindAnnotationKey, cmv1.IssuerGroupAnnotationKey}
	if all[issuerAnnotation] == "" && all[clusterIssuerAnnotation] == "" {
		inherited = append(inherited, issuerAnnotation, clusterIssuerAnnotation)
	}
	for _, key := range inherited {
		if value, ok := o.Gateway.Annotations[key]; ok {
			all[key] = value
		}
	}
	return all
}

// hasIssuer says that cert-manager is asked for certificates by annotation.
func (o ListenerOwner) hasIssuer() bool {
	annotations := o.CertificateAnnotations()
	return annotations[issuerAnnotation] != "" || annotations[clusterIssuerAnnotation] != ""
}
