package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion of all types in this package.
var GroupVersion = schema.GroupVersion{Group: "gatewright.dev", Version: "v1alpha1"}

// AddToScheme registers the types.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&GatewayConfig{}, &GatewayConfigList{},
		&WebSocketPolicy{}, &WebSocketPolicyList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

// ControllerName is what a GatewayClass names in spec.controllerName to be
// served by Gatewright, and the name under which Gatewright writes its entries
// of route and policy statuses.
const ControllerName = "gatewright.dev/gateway-controller"

// Labels and annotations.
const (
	// LabelGateway on owned objects names their Gateway (shortened with a hash
	// when the name is no label value). It is the Gateway API's own label.
	LabelGateway = "gateway.networking.k8s.io/gateway-name"
	// AnnotationWebSocket marks an HTTPRoute whose filters ask for websockets:
	// its value lists the rules concerned, comma-separated: the rule's name, or
	// its index where it has none. The admission webhook sets it.
	AnnotationWebSocket = "gatewright.dev/websocket"
	// LabelGenerated on a WebSocketPolicy says that the operator made it for a
	// route, on a Certificate that it made it for listeners; the value is "true".
	LabelGenerated = "gatewright.dev/generated"
)
