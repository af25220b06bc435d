package snapshot

import (
	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// Existing returns the object of the snapshot that has the given one's type,
// namespace and name.
func (s Snapshot) Existing(object metav1.Object) (metav1.Object, bool) {
	switch object.(type) {
	case *gatewayv1.GatewayClass:
		return existing(s.GatewayClasses, object)
	case *gatewayv1.Gateway:
		return existing(s.Gateways, object)
	case *gatewayv1.HTTPRoute:
		return existing(s.HTTPRoutes, object)
	case *gatewayv1.GRPCRoute:
		return existing(s.GRPCRoutes, object)
	case *gatewayv1.TLSRoute:
		return existing(s.TLSRoutes, object)
	case *gatewayv1.TCPRoute:
		return existing(s.TCPRoutes, object)
	case *gatewayv1.UDPRoute:
		return existing(s.UDPRoutes, object)
	case *gatewayv1.ListenerSet:
		return existing(s.ListenerSets, object)
	case *gatewayv1.BackendTLSPolicy:
		return existing(s.BackendTLSPolicies, object)
	case *gatewayv1.ReferenceGrant:
		return existing(s.ReferenceGrants, object)
	case *v1alpha1.WebSocketPolicy:
		return existing(s.WebSocketPolicies, object)
	case *v1alpha1.GatewayConfig:
		return existing(s.GatewayConfigs, object)
	case *corev1.Namespace:
		return existing(s.Namespaces, object)
	case *corev1.Service:
		return existing(s.Services, object)
	case *discoveryv1.EndpointSlice:
		return existing(s.EndpointSlices, object)
	case *corev1.Secret:
		return existing(s.Secrets, object)
	case *cmv1.Certificate:
		return existing(s.Certificates, object)
	case *cmv1.CertificateRequest:
		return existing(s.CertificateRequests, object)
	case *acmev1.Order:
		return existing(s.Orders, object)
	case *acmev1.Challenge:
		return existing(s.Challenges, object)
	case *cmv1.Issuer:
		return existing(s.Issuers, object)
	case *cmv1.ClusterIssuer:
		return existing(s.ClusterIssuers, object)
	}
	return nil, false
}

func existing[T metav1.Object](s Set[T], like metav1.Object) (metav1.Object, bool) {
	if o, ok := s.Get(like.GetNamespace(), like.GetName()); ok {
		return o, true
	}
	return nil, false
}
