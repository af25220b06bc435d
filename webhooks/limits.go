package webhooks

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The longest lists that the Gateway API's CRDs let through. The API server asks
// a validator about nothing longer; who else asks is not to have us work for
// seconds.
const (
	maxRules     = 16
	maxMatches   = 64
	maxListeners = 64
	maxRefs      = 32
)

// isBeyondSchema says that no API server lets the object through.
func isBeyondSchema(object metav1.Object) bool {
	switch o := object.(type) {
	case *gatewayv1.HTTPRoute:
		return len(o.Spec.Rules) > maxRules || len(o.Spec.ParentRefs) > maxRefs || len(o.Spec.Hostnames) > maxRefs ||
			slices.ContainsFunc(o.Spec.Rules, func(r gatewayv1.HTTPRouteRule) bool {
				return max(len(r.Matches), len(r.Filters), len(r.BackendRefs)) > maxMatches
			})
	case *gatewayv1.GRPCRoute:
		return len(o.Spec.Rules) > maxRules || len(o.Spec.ParentRefs) > maxRefs || len(o.Spec.Hostnames) > maxRefs ||
			slices.ContainsFunc(o.Spec.Rules, func(r gatewayv1.GRPCRouteRule) bool {
				return max(len(r.Matches), len(r.Filters), len(r.BackendRefs)) > maxMatches
			})
	case *gatewayv1.Gateway:
		return len(o.Spec.Listeners) > maxListeners
	case *gatewayv1.ListenerSet:
		return len(o.Spec.Listeners) > maxListeners
	}
	return false
}
