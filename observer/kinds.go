package observer

import (
	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// Scheme knows all kinds that Gatewright reads or writes.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(gatewayv1.Install(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	utilruntime.Must(cmv1.AddToScheme(s))
	utilruntime.Must(acmev1.AddToScheme(s))
	return s
}

// Kinds are the objects whose content is in every snapshot. The operator's has
// EndpointSlices, Secrets and ConfigMaps besides.
func Kinds() []client.Object {
	return []client.Object{
		&gatewayv1.GatewayClass{},
		&gatewayv1.Gateway{},
		&gatewayv1.HTTPRoute{},
		&gatewayv1.GRPCRoute{},
		&gatewayv1.TLSRoute{},
		&gatewayv1.TCPRoute{},
		&gatewayv1.UDPRoute{},
		&gatewayv1.ListenerSet{},
		&gatewayv1.BackendTLSPolicy{},
		&gatewayv1.ReferenceGrant{},
		&v1alpha1.WebSocketPolicy{},
		&v1alpha1.GatewayConfig{},
		&corev1.Namespace{},
		&corev1.Service{},
	}
}

// SecretMetadata is how Secrets are watched: their contents are fetched for
// those alone that a Gateway names, so that the cluster's other Secrets never
// lie in our memory.
func SecretMetadata() *metav1.PartialObjectMetadata { return metadataOf("Secret") }

// ConfigMapMetadata is how ConfigMaps are watched, for the same reason.
func ConfigMapMetadata() *metav1.PartialObjectMetadata { return metadataOf("ConfigMap") }

func metadataOf(kind string) *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{}
	o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return o
}

// CacheOptions trims off the objects, before they are kept, what nobody reads:
// on a small node a cluster's field owners and annotations weigh more than all
// the rest.
func CacheOptions() cache.Options {
	return cache.Options{DefaultTransform: trim}
}

func trim(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
		delete(o.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
	}
	trimCertManager(object)
	switch o := object.(type) {
	case *corev1.Namespace:
		o.Annotations = nil
	case *metav1.PartialObjectMetadata:
		if !isGatewayAPI(o) {
			o.Annotations = nil
		}
	case *discoveryv1.EndpointSlice:
		for i := range o.Endpoints {
			e := &o.Endpoints[i]
			e.TargetRef, e.NodeName, e.Zone, e.Hostname, e.Hints, e.DeprecatedTopology = nil, nil, nil, nil, nil, nil
		}
	}
	return object, nil
}
