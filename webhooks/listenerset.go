package webhooks

import (
	"context"
	"fmt"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-listenerset,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=listenersets,verbs=create;update;delete,versions=v1,name=listenerset.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of ListenerSets refuses nothing, since all that is wrong with one
// may become right by what its Gateway says. It warns of
//   - a Gateway that is not there (yet), or that does not let the ListenerSet in,
//   - listeners that clash with those of the Gateway or of an older ListenerSet,
//   - listeners that nothing gives a certificate, and certificates of other
//     namespaces that have not agreed,
//   - routes that the ListenerSet serves and no longer will.
const listenerSetValidatePath = "/validate-gateway-networking-k8s-io-v1-listenerset"

// +kubebuilder:webhook:path=/mutate-gateway-networking-k8s-io-v1-listenerset,mutating=true,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,reinvocationPolicy=IfNeeded,groups=gateway.networking.k8s.io,resources=listenersets,verbs=create;update,versions=v1,name=listenerset.mutate.gatewright.dev,admissionReviewVersions=v1

// The defaulter of ListenerSets names the Secret of a certificate that
// cert-manager is asked for anyway, as that of Gateways does: by the ListenerSet,
// by its Gateway, or by the GatewayConfig.
const listenerSetMutatePath = "/mutate-gateway-networking-k8s-io-v1-listenerset"

// listenerSetDefaulter names a Secret where cert-manager is to make a
// certificate.
type listenerSetDefaulter struct{ observe observe }

// Default implements admission.Defaulter.
func (d listenerSetDefaulter) Default(ctx context.Context, set *gatewayv1.ListenerSet) error {
	if !slices.ContainsFunc(set.Spec.Listeners, func(l gatewayv1.ListenerEntry) bool {
		return graph.LacksCertificate((*gatewayv1.Listener)(&l))
	}) {
		return nil
	}
	s, err := d.observe(ctx)
	if err != nil {
		return fmt.Errorf("reading the cluster: %w", err)
	}
	parent, ok := graph.SetParent(set)
	if !ok {
		return nil
	}
	gateway, ok := s.Gateways.Get(parent.Namespace, parent.Name)
	if !ok || !isOurs(gateway, s) {
		return nil
	}
	owner := graph.OwnerOfSet(set, gateway)
	for i := range owner.Listeners {
		if name, ok := graph.InjectedCertificate(owner, &owner.Listeners[i], s); ok {
			nameCertificate((*gatewayv1.Listener)(&set.Spec.Listeners[i]), name)
		}
	}
	return nil
}
