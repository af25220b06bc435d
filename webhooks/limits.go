package webhooks

import (
	"errors"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// The longest lists that the Gateway API's CRDs let through. The API server asks
// a validator about nothing longer, though it may ask a defaulter; who else asks
// is not to have us work for seconds.
const (
	maxRules     = 16
	maxMatches   = 64
	maxListeners = 64
	maxRefs      = 32
)

// isBeyondSchema says that no API server lets the object through.
func isBeyondSchema(object metav1.Object) bool {
	if route, ok := snapshot.RouteOf(object); ok && max(len(route.ParentRefs), len(route.Hostnames)) > maxRefs {
		return true
	}
	switch o := object.(type) {
	case *gatewayv1.HTTPRoute:
		return len(o.Spec.Rules) > maxRules || slices.ContainsFunc(o.Spec.Rules, func(r gatewayv1.HTTPRouteRule) bool {
			return max(len(r.Matches), len(r.Filters), len(r.BackendRefs)) > maxMatches
		})
	case *gatewayv1.GRPCRoute:
		return len(o.Spec.Rules) > maxRules || slices.ContainsFunc(o.Spec.Rules, func(r gatewayv1.GRPCRouteRule) bool {
			return max(len(r.Matches), len(r.Filters), len(r.BackendRefs)) > maxMatches
		})
	case *gatewayv1.TLSRoute:
		return len(o.Spec.Rules) > maxRules || slices.ContainsFunc(o.Spec.Rules, func(r gatewayv1.TLSRouteRule) bool {
			return len(r.BackendRefs) > maxMatches
		})
	case *gatewayv1.TCPRoute:
		return len(o.Spec.Rules) > maxRules || slices.ContainsFunc(o.Spec.Rules, func(r gatewayv1.TCPRouteRule) bool {
			return len(r.BackendRefs) > maxMatches
		})
	case *gatewayv1.UDPRoute:
		return len(o.Spec.Rules) > maxRules || slices.ContainsFunc(o.Spec.Rules, func(r gatewayv1.UDPRouteRule) bool {
			return len(r.BackendRefs) > maxMatches
		})
	case *gatewayv1.Gateway:
		return len(o.Spec.Listeners) > maxListeners
	case *gatewayv1.ListenerSet:
		return len(o.Spec.Listeners) > maxListeners
	case *gatewayv1.BackendTLSPolicy:
		return max(len(o.Spec.TargetRefs), len(o.Spec.Validation.CACertificateRefs)) > maxRefs
	case *gatewayv1.ReferenceGrant:
		return max(len(o.Spec.From), len(o.Spec.To)) > maxRefs
	case *v1alpha1.WebSocketPolicy:
		return len(o.Spec.TargetRefs) > maxRefs
	}
	return false
}

var errBeyondSchema = errors.New("its lists are longer than the CRD allows")
