package graph

import (
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// BackendCertificateRef is the Secret with the certificate that the Gateway
// shows to backends, and its reference; false where it names none
// (GatewayBackendTLS.clientCertificateRef).
func BackendCertificateRef(g *gatewayv1.Gateway) (types.NamespacedName, gatewayv1.SecretObjectReference, bool) {
	if g.Spec.TLS == nil || g.Spec.TLS.Backend == nil || g.Spec.TLS.Backend.ClientCertificateRef == nil {
		return types.NamespacedName{}, gatewayv1.SecretObjectReference{}, false
	}
	ref := *g.Spec.TLS.Backend.ClientCertificateRef
	key := types.NamespacedName{Namespace: g.Namespace, Name: string(ref.Name)}
	if ref.Namespace != nil && *ref.Namespace != "" {
		key.Namespace = string(*ref.Namespace)
	}
	return key, ref, true
}

// readBackendCertificate finds what backends are shown. Without it the Gateway
// serves on: only backends that ask for a certificate refuse it.
func (b *builder) readBackendCertificate(g *Gateway) {
	_, ref, named := BackendCertificateRef(g.Source)
	if !named {
		return
	}
	certificate, problem := b.resolveCertificate(OwnerOf(g.Source), ref)
	if problem != nil {
		finding := clientCertificateProblem(*problem)
		b.report("Gateway", g.Source, finding)
		g.ResolvedRefs = no(finding.Reason, finding.String())
		return
	}
	g.ClientCertificate = &certificate.Certificate
	g.ResolvedRefs = yes(string(gatewayv1.GatewayReasonResolvedRefs), "All references are resolved")
}

// clientCertificateProblem words what is wrong with a listener's certificate as
// what is wrong with one for backends.
func clientCertificateProblem(problem diagnostic.Diagnostic) diagnostic.Diagnostic {
	const field = "spec.tls.backend.clientCertificateRef"
	switch problem.Check {
	case diagnostic.CertificateNotPermitted.ID:
		problem.Field = field
		return problem
	case diagnostic.CertificateKind.ID:
		return diagnostic.ClientCertificateKind.At(field, problem.Message, problem.Fix)
	}
	return diagnostic.ClientCertificateUnusable.At(field, problem.Message, problem.Fix)
}
