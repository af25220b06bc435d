package snapshot

import (
	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/bundle"
)

// Snapshot is the compiler's whole input, a value: copies share the sets, and
// nobody changes what lies in them.
type Snapshot struct {
	GatewayClasses     Set[*gatewayv1.GatewayClass]
	Gateways           Set[*gatewayv1.Gateway]
	HTTPRoutes         Set[*gatewayv1.HTTPRoute]
	GRPCRoutes         Set[*gatewayv1.GRPCRoute]
	TLSRoutes          Set[*gatewayv1.TLSRoute]
	TCPRoutes          Set[*gatewayv1.TCPRoute]
	UDPRoutes          Set[*gatewayv1.UDPRoute]
	ListenerSets       Set[*gatewayv1.ListenerSet]
	BackendTLSPolicies Set[*gatewayv1.BackendTLSPolicy]
	ReferenceGrants    Set[*gatewayv1.ReferenceGrant]
	WebSocketPolicies  Set[*v1alpha1.WebSocketPolicy]
	GatewayConfigs     Set[*v1alpha1.GatewayConfig]
	Namespaces         Set[*corev1.Namespace]
	Services           Set[*corev1.Service]
	EndpointSlices     Set[*discoveryv1.EndpointSlice]
	Secrets            Set[*corev1.Secret]
	ConfigMaps         Set[*corev1.ConfigMap]

	// What cert-manager has to do with certificates. Admission has the issuers
	// alone.
	Certificates        Set[*cmv1.Certificate]
	CertificateRequests Set[*cmv1.CertificateRequest]
	Orders              Set[*acmev1.Order]
	Challenges          Set[*acmev1.Challenge]
	Issuers             Set[*cmv1.Issuer]
	ClusterIssuers      Set[*cmv1.ClusterIssuer]
	// NoCertManager says that the cluster does not know cert-manager's kinds.
	NoCertManager bool
	// IssuersUnknown says that the reader does not see cert-manager's issuers:
	// they are then taken to exist and to be able to issue.
	IssuersUnknown bool
	// OverdueCertificates are those that cert-manager's gateway-shim was to make,
	// or to change, and has not in the time that it was given.
	OverdueCertificates map[types.NamespacedName]bool

	// GatewayAPI is nil where nobody knows.
	GatewayAPI *GatewayAPI

	// SecretsUnknown says that the reader has no right to read Secrets and
	// ConfigMaps (the webhook): certificates are then taken to exist and to be
	// good.
	SecretsUnknown bool

	// DataPlanes is what the nginx pods of each Gateway last reported.
	DataPlanes map[types.NamespacedName]DataPlane

	// Quarantined are routes whose configuration nginx refused: they are left
	// out, with nginx's words in their status, until they change.
	Quarantined map[RouteKey]Quarantine
}

// DataPlane is what the nginx pods of one Gateway last reported, put together.
type DataPlane struct {
	// Ready is how many pods serve a bundle.
	Ready int
	// Generation is the Gateway's oldest generation that a ready pod serves.
	Generation int64
	// ListenerSets are the oldest generations of ListenerSets that a ready pod
	// serves, by namespace/name@UID; those that it does not serve at all are absent.
	ListenerSets map[string]int64
	// Refused is what a pod said of the newest bundle, if it was refused.
	Refused *bundle.Refusal
	// ServiceEvent is the newest Warning Event on the Gateway's Service (a load
	// balancer's own words: AllocationFailed, …); empty when there is none.
	ServiceEvent string
}

// Quarantine tells why a route is left out of the configuration.
type Quarantine struct {
	// Generation of the route that was refused; another generation is tried anew.
	Generation int64
	// Message is nginx's own words.
	Message string
}

// With returns a snapshot in which the object is present as given. Objects of
// kinds that do not bear on the compiler change nothing.
func (s Snapshot) With(object metav1.Object) Snapshot {
	switch o := object.(type) {
	case *gatewayv1.GatewayClass:
		s.GatewayClasses = s.GatewayClasses.with(o)
	case *gatewayv1.Gateway:
		s.Gateways = s.Gateways.with(o)
	case *gatewayv1.HTTPRoute:
		s.HTTPRoutes = s.HTTPRoutes.with(o)
	case *gatewayv1.GRPCRoute:
		s.GRPCRoutes = s.GRPCRoutes.with(o)
	case *gatewayv1.TLSRoute:
		s.TLSRoutes = s.TLSRoutes.with(o)
	case *gatewayv1.TCPRoute:
		s.TCPRoutes = s.TCPRoutes.with(o)
	case *gatewayv1.UDPRoute:
		s.UDPRoutes = s.UDPRoutes.with(o)
	case *gatewayv1.ListenerSet:
		s.ListenerSets = s.ListenerSets.with(o)
	case *gatewayv1.BackendTLSPolicy:
		s.BackendTLSPolicies = s.BackendTLSPolicies.with(o)
	case *gatewayv1.ReferenceGrant:
		s.ReferenceGrants = s.ReferenceGrants.with(o)
	case *v1alpha1.WebSocketPolicy:
		s.WebSocketPolicies = s.WebSocketPolicies.with(o)
	case *v1alpha1.GatewayConfig:
		s.GatewayConfigs = s.GatewayConfigs.with(o)
	case *corev1.Namespace:
		s.Namespaces = s.Namespaces.with(o)
	case *corev1.Service:
		s.Services = s.Services.with(o)
	case *discoveryv1.EndpointSlice:
		s.EndpointSlices = s.EndpointSlices.with(o)
	case *corev1.Secret:
		s.Secrets = s.Secrets.with(o)
	case *corev1.ConfigMap:
		s.ConfigMaps = s.ConfigMaps.with(o)
	case *cmv1.Certificate:
		s.Certificates = s.Certificates.with(o)
	case *cmv1.CertificateRequest:
		s.CertificateRequests = s.CertificateRequests.with(o)
	case *acmev1.Order:
		s.Orders = s.Orders.with(o)
	case *acmev1.Challenge:
		s.Challenges = s.Challenges.with(o)
	case *cmv1.Issuer:
		s.Issuers = s.Issuers.with(o)
	case *cmv1.ClusterIssuer:
		s.ClusterIssuers = s.ClusterIssuers.with(o)
	}
	return s
}

// Without returns a snapshot in which the object is absent; of the given object
// only the type, namespace and name matter.
func (s Snapshot) Without(object metav1.Object) Snapshot {
	key := KeyOf(object)
	switch object.(type) {
	case *gatewayv1.GatewayClass:
		s.GatewayClasses = s.GatewayClasses.without(key)
	case *gatewayv1.Gateway:
		s.Gateways = s.Gateways.without(key)
	case *gatewayv1.HTTPRoute:
		s.HTTPRoutes = s.HTTPRoutes.without(key)
	case *gatewayv1.GRPCRoute:
		s.GRPCRoutes = s.GRPCRoutes.without(key)
	case *gatewayv1.TLSRoute:
		s.TLSRoutes = s.TLSRoutes.without(key)
	case *gatewayv1.TCPRoute:
		s.TCPRoutes = s.TCPRoutes.without(key)
	case *gatewayv1.UDPRoute:
		s.UDPRoutes = s.UDPRoutes.without(key)
	case *gatewayv1.ListenerSet:
		s.ListenerSets = s.ListenerSets.without(key)
	case *gatewayv1.BackendTLSPolicy:
		s.BackendTLSPolicies = s.BackendTLSPolicies.without(key)
	case *gatewayv1.ReferenceGrant:
		s.ReferenceGrants = s.ReferenceGrants.without(key)
	case *v1alpha1.WebSocketPolicy:
		s.WebSocketPolicies = s.WebSocketPolicies.without(key)
	case *v1alpha1.GatewayConfig:
		s.GatewayConfigs = s.GatewayConfigs.without(key)
	case *corev1.Namespace:
		s.Namespaces = s.Namespaces.without(key)
	case *corev1.Service:
		s.Services = s.Services.without(key)
	case *discoveryv1.EndpointSlice:
		s.EndpointSlices = s.EndpointSlices.without(key)
	case *corev1.Secret:
		s.Secrets = s.Secrets.without(key)
	case *corev1.ConfigMap:
		s.ConfigMaps = s.ConfigMaps.without(key)
	case *cmv1.Certificate:
		s.Certificates = s.Certificates.without(key)
	case *cmv1.CertificateRequest:
		s.CertificateRequests = s.CertificateRequests.without(key)
	case *acmev1.Order:
		s.Orders = s.Orders.without(key)
	case *acmev1.Challenge:
		s.Challenges = s.Challenges.without(key)
	case *cmv1.Issuer:
		s.Issuers = s.Issuers.without(key)
	case *cmv1.ClusterIssuer:
		s.ClusterIssuers = s.ClusterIssuers.without(key)
	}
	return s
}
