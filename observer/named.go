package observer

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// contents are the objects whose contents our Gateways need, for themselves or
// for their backends.
type contents struct {
	secrets, configMaps map[types.NamespacedName]bool
}

// named are the Secrets and ConfigMaps that our Gateways and their ListenerSets
// name, or would be given by default.
func named(s snapshot.Snapshot) contents {
	out := contents{secrets: map[types.NamespacedName]bool{}, configMaps: map[types.NamespacedName]bool{}}
	for _, g := range s.Gateways.All() {
		class, ok := s.GatewayClasses.Get("", string(g.Spec.GatewayClassName))
		if !ok || class.Spec.ControllerName != v1alpha1.ControllerName {
			continue
		}
		for _, secret := range graph.CertificateSecrets(g, s) {
			out.secrets[secret] = true
		}
		if secret, _, ok := graph.BackendCertificateRef(g); ok {
			out.secrets[secret] = true
		}
		for _, ref := range graph.ClientAuthorityRefs(g) {
			key := types.NamespacedName{Namespace: g.Namespace, Name: string(ref.Name)}
			if ref.Namespace != nil {
				key.Namespace = cmp.Or(string(*ref.Namespace), key.Namespace)
			}
			switch ref.Kind {
			case "ConfigMap":
				out.configMaps[key] = true
			case "Secret":
				out.secrets[key] = true
			}
		}
	}
	return out
}

// addBackendAuthorities adds those that the BackendTLSPolicies of the Services
// name.
func (c contents) addBackendAuthorities(s snapshot.Snapshot, services map[types.NamespacedName]bool) {
	for _, p := range s.BackendTLSPolicies.All() {
		if !slices.ContainsFunc(graph.BackendTLSTargets(p), func(key types.NamespacedName) bool { return services[key] }) {
			continue
		}
		for _, ref := range graph.BackendTLSAuthorityRefs(p) {
			key := types.NamespacedName{Namespace: p.Namespace, Name: string(ref.Name)}
			if ref.Kind == "Secret" {
				c.secrets[key] = true
				continue
			}
			c.configMaps[key] = true
		}
	}
}
