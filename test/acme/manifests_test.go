package acme

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// field follows a path of keys and indices in the last object of a manifest.
func field(t *testing.T, manifest string, path ...any) any {
	t.Helper()
	documents := strings.Split(manifest, "\n---\n")
	var value any
	if err := yaml.Unmarshal([]byte(documents[len(documents)-1]), &value); err != nil {
		t.Fatalf("read the manifest: %v\n%s", err, manifest)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

func TestTheIssuerNamesAGatewayOnlyIfThereIsOne(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		gateway types.NamespacedName
		want    any
	}{
		"none": {},
		"one": {
			gateway: types.NamespacedName{Namespace: "infra", Name: "edge"},
			want:    []any{map[string]any{"kind": "Gateway", "namespace": "infra", "name": "edge"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &Authority{options: Options{Gateway: tc.gateway}, secret: "c2VjcmV0", trusted: []byte("PEM")}
			issuer, err := a.render("issuer.yaml")
			if err != nil {
				t.Fatal(err)
			}
			got := field(t, issuer, "spec", "acme", "solvers", 0, "http01", "gatewayHTTPRoute", "parentRefs")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("parentRefs (-want +got):\n%s", diff)
			}
			if key := field(t, issuer, "spec", "acme", "solvers", 1, "dns01", "rfc2136", "tsigKeyName"); key != updateKey {
				t.Errorf("the DNS-01 solver signs with key %v", key)
			}
		})
	}
}

func TestTheShimIsAFlagOfCertManager(t *testing.T) {
	t.Parallel()
	for shim, want := range map[bool]string{true: "--enable-gateway-api=true", false: "--enable-gateway-api=false"} {
		a := &Authority{options: Options{Shim: shim}}
		deployment, err := a.render("cert-manager.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if got := field(t, deployment, "spec", "template", "spec", "containers", 0, "args", 0); got != want {
			t.Errorf("cert-manager begins with %v instead of %s", got, want)
		}
	}
}
