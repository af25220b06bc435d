package webhooks

import (
	"fmt"
	"testing"
)

// tlsPolicy is a BackendTLSPolicy of namespace blog.
func tlsPolicy(name, target, validation string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: %s, namespace: blog}
spec:
  targetRefs: [{group: "", kind: Service, %s}]
  validation: {%s}
`, name, target, validation)
}

func TestBackendTLSPolicyValidation(t *testing.T) {
	t.Parallel()
	const (
		system = "hostname: whoami.example.net, wellKnownCACertificates: System"
		broken = `hostname: "*.example.net", wellKnownCACertificates: System`
		whoami = "name: whoami"
	)
	tests := map[string]judged{
		"a sound policy passes without a word": {new: tlsPolicy("a", whoami, system)},
		"authorities are not looked at": {
			new: tlsPolicy("a", whoami, `hostname: whoami.example.net, caCertificateRefs: [{group: "", kind: ConfigMap, name: later}]`),
		},
		"a name that no certificate has is refused": {
			new: tlsPolicy("a", whoami, broken),
			refusal: `spec.validation.hostname: "*.example.net" is no hostname of a backend: ` +
				`write a hostname like backend.example.net, or a URI like spiffe://example.net/backend`,
		},
		"a faulty policy may be edited elsewhere": {
			old:      tlsPolicy("a", whoami, broken),
			new:      tlsPolicy("a", whoami+`}, {group: "", kind: Service, name: web`, broken),
			warnings: []string{`spec.targetRefs[1].name: Service "web" not found in namespace "blog": create the Service, or mend the name`},
		},
		"a port that is not there is warned of": {
			new:      tlsPolicy("a", whoami+", sectionName: https", system),
			warnings: []string{`spec.targetRefs[0].sectionName: Service "whoami" has no port named "https": write the name of one of its ports, or leave sectionName out for all`},
		},
		"a policy for a Service of others is not judged": {new: tlsPolicy("a", "name: elsewhere", broken)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, route(goodRule)), backendTLSPolicyValidatePath)
		})
	}
}
