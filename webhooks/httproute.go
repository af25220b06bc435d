package webhooks

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-httproute,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=httproutes,verbs=create;update,versions=v1,name=httproute.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of HTTPRoutes prevents
//   - a path, header or query parameter regex that nginx cannot compile, which
//     would be found out only when requests fail,
//   - filters that contradict themselves, or that nginx cannot do, which would
//     make the rule answer 500,
//   - text that cannot go into an nginx configuration,
//
// and warns of
//   - a Gateway, listener, Service, port or ReferenceGrant that is not there
//     (yet), and hostnames that no listener has,
//   - matches that an older route, or an earlier rule, takes first.
const httpRouteValidatePath = "/validate-gateway-networking-k8s-io-v1-httproute"

// +kubebuilder:webhook:path=/mutate-gateway-networking-k8s-io-v1-httproute,mutating=true,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,reinvocationPolicy=IfNeeded,groups=gateway.networking.k8s.io,resources=httproutes,verbs=create;update,versions=v1,name=httproute.mutate.gatewright.dev,admissionReviewVersions=v1

// The defaulter of HTTPRoutes prevents that one has to read all filters to see
// which routes carry websockets: it says so in an annotation. It changes
// nothing that the user wrote, and routing does not depend on it.
const httpRouteMutatePath = "/mutate-gateway-networking-k8s-io-v1-httproute"

// httpRouteDefaulter marks the routes that ask for websockets.
type httpRouteDefaulter struct{ observe observe }

// Default implements admission.Defaulter.
func (d httpRouteDefaulter) Default(ctx context.Context, route *gatewayv1.HTTPRoute) error {
	mark := graph.WebSocketRules(route)
	present := route.Annotations[v1alpha1.AnnotationWebSocket]
	if mark == present {
		return nil
	}
	if mark == "" {
		delete(route.Annotations, v1alpha1.AnnotationWebSocket)
		return nil
	}
	s, err := d.observe(ctx)
	if err != nil {
		return fmt.Errorf("reading the cluster: %w", err)
	}
	if !mayBeOurs(route, s) {
		return nil
	}
	if route.Annotations == nil {
		route.Annotations = map[string]string{}
	}
	route.Annotations[v1alpha1.AnnotationWebSocket] = mark
	return nil
}

// mayBeOurs says whether the route has a parent that is one of our Gateways, or
// a ListenerSet of one, or that does not exist yet: routes may be applied before
// their Gateways.
func mayBeOurs(route *gatewayv1.HTTPRoute, s snapshot.Snapshot) bool {
	for _, ref := range route.Spec.ParentRefs {
		if ref.Group != nil && *ref.Group != gatewayv1.GroupName {
			continue
		}
		namespace := route.Namespace
		if ref.Namespace != nil {
			namespace = cmp.Or(string(*ref.Namespace), namespace)
		}
		key := types.NamespacedName{Namespace: namespace, Name: string(ref.Name)}
		if ref.Kind != nil && *ref.Kind != "Gateway" {
			set, ok := s.ListenerSets.Get(key.Namespace, key.Name)
			if *ref.Kind != "ListenerSet" {
				continue
			}
			if !ok {
				return true
			}
			if key, ok = graph.SetParent(set); !ok {
				continue
			}
		}
		gateway, ok := s.Gateways.Get(key.Namespace, key.Name)
		if !ok || isOurs(gateway, s) {
			return true
		}
	}
	return false
}

// isOurs says whether the Gateway's class is one of ours.
func isOurs(gateway *gatewayv1.Gateway, s snapshot.Snapshot) bool {
	class, ok := s.GatewayClasses.Get("", string(gateway.Spec.GatewayClassName))
	return ok && class.Spec.ControllerName == v1alpha1.ControllerName
}
