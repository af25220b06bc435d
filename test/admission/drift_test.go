package admission

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestManifestsDoNotDrift applies manifests as GitOps tools do, again and again.
// What the webhook adds must not be something that they put back, which it would
// add anew (docs/gitops.md).
func TestManifestsDoNotDrift(t *testing.T) {
	const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: drift, name: home, annotations: {cert-manager.io/cluster-issuer: letsencrypt-prod}}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: https, hostname: "*.example.net", port: 443, protocol: HTTPS`
	const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: drift, name: whoami}
spec:
  parentRefs: [{name: home}]
  hostnames: [whoami.example.net]
  rules:
  - backendRefs: [{name: whoami, port: 80}]`
	tests := map[string]struct {
		manifest string
		// added is where the webhook adds something.
		added []string
	}{
		"a listener that names its certificate": {manifest: gateway + ", tls: {mode: Terminate, certificateRefs: [{name: example-net-tls}]}}"},
		"a listener that names none":            {manifest: gateway + "}", added: []string{"spec", "listeners"}},
		"a route":                               {manifest: route},
		"a route that asks for websockets": {
			manifest: route + "\n    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Upgrade, value: websocket}]}}]",
			added:    []string{"metadata", "annotations", "gatewright.dev/websocket"},
		},
	}
	for name, test := range tests {
		wanted := objectsIn(t, []byte(test.manifest))[0]
		if err := makeNamespaces(t.Context(), []*unstructured.Unstructured{wanted}); err != nil {
			t.Fatal(err)
		}
		for how, apply := range map[string]func(*testing.T, string, *unstructured.Unstructured) *unstructured.Unstructured{
			"server-side": applyServerSide, "by kubectl": applyByKubectl,
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Cleanup(func() { removeAll(t, []*unstructured.Unstructured{wanted}) })
				first := apply(t, test.manifest, wanted)
				if test.added != nil {
					live, _, _ := unstructured.NestedFieldNoCopy(first.Object, test.added...)
					own, _, _ := unstructured.NestedFieldNoCopy(wanted.Object, test.added...)
					if live == nil || cmp.Equal(live, own) {
						t.Errorf("the webhook added nothing at %s", strings.Join(test.added, "."))
					}
				}
				second := apply(t, test.manifest, wanted)
				if diff := cmp.Diff(contentOf(first), contentOf(second)); diff != "" {
					t.Errorf("it is not the same (-first +second):\n%s", diff)
				}
				// The second is written, even without a webhook: the API server then
				// stores the conditions that the CRD has as defaults.
				third := apply(t, test.manifest, wanted)
				if second.GetResourceVersion() != third.GetResourceVersion() {
					t.Errorf("it is written again and again (-second +third):\n%s", cmp.Diff(second.Object, third.Object))
				}
			})
		}
	}
}

func contentOf(o *unstructured.Unstructured) map[string]any {
	content := o.DeepCopy()
	content.SetResourceVersion("")
	content.SetManagedFields(nil)
	return content.Object
}

func applyServerSide(t *testing.T, _ string, wanted *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	live := wanted.DeepCopy()
	if err := api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(live), client.FieldOwner("gitops"), client.ForceOwnership); err != nil {
		t.Fatal(err)
	}
	return live
}

func applyByKubectl(t *testing.T, manifest string, wanted *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	if said, err := lab.Apply(t.Context(), manifest); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	live := wanted.DeepCopy()
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(wanted), live); err != nil {
		t.Fatal(err)
	}
	return live
}
