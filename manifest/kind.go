package manifest

import (
	"slices"

	"github.com/cert-manager/cert-manager/pkg/apis/acme"
	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// kind is a kind that bears on Gatewright: those that a snapshot holds.
type kind struct {
	// versions whose objects have the same fields as the type.
	versions []string
	empty    func() metav1.Object
	// cluster says that its objects have no namespace.
	cluster bool
	// configMap says that it is read only where asked for: most ConfigMaps are
	// of other programs.
	configMap bool
}

var (
	gatewayVersions = []string{"v1", "v1beta1"}

	kinds = map[schema.GroupKind]kind{
		{Group: gatewayv1.GroupName, Kind: "GatewayClass"}: {
			versions: gatewayVersions, cluster: true, empty: func() metav1.Object { return new(gatewayv1.GatewayClass) },
		},
		{Group: gatewayv1.GroupName, Kind: "Gateway"}: {
			versions: gatewayVersions, empty: func() metav1.Object { return new(gatewayv1.Gateway) },
		},
		{Group: gatewayv1.GroupName, Kind: "HTTPRoute"}: {
			versions: gatewayVersions, empty: func() metav1.Object { return new(gatewayv1.HTTPRoute) },
		},
		{Group: gatewayv1.GroupName, Kind: "GRPCRoute"}: {
			versions: gatewayVersions, empty: func() metav1.Object { return new(gatewayv1.GRPCRoute) },
		},
		{Group: gatewayv1.GroupName, Kind: "TLSRoute"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(gatewayv1.TLSRoute) },
		},
		{Group: gatewayv1.GroupName, Kind: "TCPRoute"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(gatewayv1.TCPRoute) },
		},
		{Group: gatewayv1.GroupName, Kind: "UDPRoute"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(gatewayv1.UDPRoute) },
		},
		{Group: gatewayv1.GroupName, Kind: "ListenerSet"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(gatewayv1.ListenerSet) },
		},
		{Group: gatewayv1.GroupName, Kind: "BackendTLSPolicy"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(gatewayv1.BackendTLSPolicy) },
		},
		{Group: gatewayv1.GroupName, Kind: "ReferenceGrant"}: {
			versions: gatewayVersions, empty: func() metav1.Object { return new(gatewayv1.ReferenceGrant) },
		},
		{Group: v1alpha1.GroupVersion.Group, Kind: "WebSocketPolicy"}: {
			versions: []string{"v1alpha1"}, empty: func() metav1.Object { return new(v1alpha1.WebSocketPolicy) },
		},
		{Group: v1alpha1.GroupVersion.Group, Kind: "GatewayConfig"}: {
			versions: []string{"v1alpha1"}, empty: func() metav1.Object { return new(v1alpha1.GatewayConfig) },
		},
		{Kind: "Namespace"}: {
			versions: []string{"v1"}, cluster: true, empty: func() metav1.Object { return new(corev1.Namespace) },
		},
		{Kind: "Service"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(corev1.Service) },
		},
		{Kind: "Secret"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(corev1.Secret) },
		},
		{Kind: "ConfigMap"}: {
			versions: []string{"v1"}, configMap: true, empty: func() metav1.Object { return new(corev1.ConfigMap) },
		},
		{Group: discoveryv1.GroupName, Kind: "EndpointSlice"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(discoveryv1.EndpointSlice) },
		},
		{Group: certmanager.GroupName, Kind: "Certificate"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(cmv1.Certificate) },
		},
		{Group: certmanager.GroupName, Kind: "CertificateRequest"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(cmv1.CertificateRequest) },
		},
		{Group: acme.GroupName, Kind: "Order"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(acmev1.Order) },
		},
		{Group: acme.GroupName, Kind: "Challenge"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(acmev1.Challenge) },
		},
		{Group: certmanager.GroupName, Kind: "Issuer"}: {
			versions: []string{"v1"}, empty: func() metav1.Object { return new(cmv1.Issuer) },
		},
		{Group: certmanager.GroupName, Kind: "ClusterIssuer"}: {
			versions: []string{"v1"}, cluster: true, empty: func() metav1.Object { return new(cmv1.ClusterIssuer) },
		},
	}
)

// kindOf returns the kind, and whether it bears on Gatewright. Known says that
// it does in some other version.
func kindOf(apiVersion, name string) (k kind, version, known bool) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return kind{}, false, false
	}
	k, known = kinds[schema.GroupKind{Group: gv.Group, Kind: name}]
	return k, known && slices.Contains(k.versions, gv.Version), known
}
