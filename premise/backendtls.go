package premise

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// backendTLSRefs stand for the Services that a policy is for, with the ports
// that it names.
func (a *assumption) backendTLSRefs(p *gatewayv1.BackendTLSPolicy) {
	if len(a.given.Services.InNamespace(p.Namespace)) > 0 {
		return
	}
	for _, ref := range p.Spec.TargetRefs {
		if ref.Kind != "Service" || ref.Group != "" {
			continue
		}
		a.service(p.Namespace, gatewayv1.BackendObjectReference{Name: ref.Name})
		known, ok := a.made.Services.Get(p.Namespace, string(ref.Name))
		if !ok || ref.SectionName == nil {
			continue
		}
		name := string(*ref.SectionName)
		if slices.ContainsFunc(known.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == name }) {
			continue
		}
		grown := known.DeepCopy()
		// Of which number it is, nobody says.
		grown.Spec.Ports = append(grown.Spec.Ports, corev1.ServicePort{Name: name})
		a.made = a.made.With(grown)
	}
}
