package webhooks

import (
	"context"
	"fmt"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-gateway,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=gateways,verbs=create;update;delete,versions=v1,name=gateway.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of Gateways prevents
//   - annotations for the load balancer that contradict spec.addresses,
//   - TLS listeners that can never have a certificate,
//
// and warns of
//   - listeners that clash, issuers that are not there (yet) or cannot issue
//     what a listener needs, and listeners that cert-manager would leave without
//     a certificate,
//   - routes that the Gateway serves and no longer will: a listener that is
//     removed or renamed, a hostname or namespace that is no longer allowed, or
//     the Gateway deleted,
//   - ListenerSets, or listeners of theirs, that no longer will be served.
const gatewayValidatePath = "/validate-gateway-networking-k8s-io-v1-gateway"

// +kubebuilder:webhook:path=/mutate-gateway-networking-k8s-io-v1-gateway,mutating=true,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,reinvocationPolicy=IfNeeded,groups=gateway.networking.k8s.io,resources=gateways,verbs=create;update,versions=v1,name=gateway.mutate.gatewright.dev,admissionReviewVersions=v1

// The defaulter of Gateways prevents that a listener that terminates TLS is
// refused because it does not name the Secret of a certificate that
// cert-manager is asked for anyway, by the Gateway or by its GatewayConfig: it
// names one.
const gatewayMutatePath = "/mutate-gateway-networking-k8s-io-v1-gateway"

// gatewayDefaulter names a Secret where cert-manager is to make a certificate.
type gatewayDefaulter struct{ observe observe }

// Default implements admission.Defaulter.
func (d gatewayDefaulter) Default(ctx context.Context, gateway *gatewayv1.Gateway) error {
	if !slices.ContainsFunc(gateway.Spec.Listeners, func(l gatewayv1.Listener) bool { return graph.LacksCertificate(&l) }) {
		return nil
	}
	s, err := d.observe(ctx)
	if err != nil {
		return fmt.Errorf("reading the cluster: %w", err)
	}
	if !isOurs(gateway, s) {
		return nil
	}
	for i := range gateway.Spec.Listeners {
		if name, ok := graph.InjectedCertificate(graph.OwnerOf(gateway), &gateway.Spec.Listeners[i], s); ok {
			nameCertificate(&gateway.Spec.Listeners[i], name)
		}
	}
	return nil
}

func nameCertificate(listener *gatewayv1.Listener, secret string) {
	if listener.TLS == nil {
		listener.TLS = &gatewayv1.ListenerTLSConfig{}
	}
	listener.TLS.CertificateRefs = []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(secret)}}
}
