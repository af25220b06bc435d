package infra

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
)

// Certificate returns the Certificate of an issuance that is to be made here. It
// has the name of its Secret and is nobody's to control, as cert-manager's
// gateway-shim overwrites and deletes what a Gateway controls, and leaves all
// else alone.
func Certificate(i *graph.Issuance) *cmv1.Certificate {
	first := i.Owners[0]
	c := &cmv1.Certificate{
		TypeMeta: metav1.TypeMeta{APIVersion: cmv1.SchemeGroupVersion.String(), Kind: cmv1.CertificateKind},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   i.Key.Namespace,
			Name:        i.Key.Name,
			Labels:      certificateLabels(first),
			Annotations: challengeParent(first),
		},
		Spec: cmv1.CertificateSpec{
			SecretName: i.Key.Name,
			DNSNames:   slices.Concat(i.DNSNames, i.AltNames()),
			IssuerRef:  i.Issuer,
			Usages:     cmv1.DefaultKeyUsages(),
		},
	}
	for _, o := range i.Owners {
		c.OwnerReferences = append(c.OwnerReferences, plainOwner(o))
	}
	applyAnnotations(&c.Spec, first.GetAnnotations())
	return c
}

// challengeParent are the annotations by which cert-manager has HTTP-01
// challenges answered: at the owner, or at the Gateway of a ListenerSet that does
// not listen where the ACME server asks (RFC 8555, section 8.3), or that asks for
// it (http01-parentreffallback).
func challengeParent(o graph.ListenerOwner) map[string]string {
	listens := slices.ContainsFunc(o.Listeners, func(l gatewayv1.Listener) bool {
		return l.Port == 80 && l.Protocol == gatewayv1.HTTPProtocolType
	})
	fallback, _ := strconv.ParseBool(o.GetAnnotations()[acmev1.ACMECertificateHTTP01ParentRefFallback])
	if o.Kind == "ListenerSet" && (fallback || !listens) {
		return map[string]string{
			acmev1.ACMECertificateHTTP01ParentRefKind:      "Gateway",
			acmev1.ACMECertificateHTTP01ParentRefName:      o.Gateway.Name,
			acmev1.ACMECertificateHTTP01ParentRefNamespace: o.Gateway.Namespace,
		}
	}
	return map[string]string{
		acmev1.ACMECertificateHTTP01ParentRefKind: o.Kind,
		acmev1.ACMECertificateHTTP01ParentRefName: o.GetName(),
	}
}

// plainOwner lets the Certificate go with the last that has listeners for it. That it does not
// control is said, not left out: a Certificate of the shim's that is taken over
// says otherwise.
func plainOwner(o graph.ListenerOwner) metav1.OwnerReference {
	no := false
	return metav1.OwnerReference{
		APIVersion: gatewayv1.GroupVersion.String(), Kind: o.Kind, Name: o.GetName(), UID: o.GetUID(),
		Controller: &no, BlockOwnerDeletion: &no,
	}
}

// certificateLabels are the owner's, by which an issuer may choose a solver,
// as the shim copies them, and ours. Those of an applyset would have kubectl
// prune the Certificate.
func certificateLabels(o graph.ListenerOwner) map[string]string {
	labels := maps.Clone(o.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	maps.DeleteFunc(labels, func(key, _ string) bool { return strings.HasPrefix(key, "applyset.kubernetes.io/") })
	labels[LabelManagedBy] = ManagedBy
	labels[v1alpha1.LabelGenerated] = "true"
	return labels
}
