package addon_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/test/cluster/addon"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

// released has what MetalLB's manifest has of each sort, and no more.
const released = `apiVersion: v1
kind: Namespace
metadata:
  name: metallb-system
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: controller
spec:
  template:
    spec:
      containers:
      - args: [--port=7472]
        image: elsewhere/controller:v1
        name: controller
        readinessProbe: {initialDelaySeconds: 10, periodSeconds: 10}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: speaker
spec:
  template:
    spec:
      containers:
      - args: [--port=7472]
        image: elsewhere/speaker:v1
        name: speaker
        readinessProbe: {initialDelaySeconds: 10, periodSeconds: 10}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: metallb-webhook-configuration
`

const adapted = `apiVersion: v1
kind: Namespace
metadata:
  name: metallb-system
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: controller
spec:
  template:
    spec:
      containers:
      - args:
        - --port=7472
        - --webhook-mode=disabled
        image: here/controller
        imagePullPolicy: IfNotPresent
        name: controller
        readinessProbe:
          initialDelaySeconds: 1
          periodSeconds: 1
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: speaker
spec:
  template:
    spec:
      containers:
      - args:
        - --port=7472
        image: here/speaker
        imagePullPolicy: IfNotPresent
        name: speaker
        readinessProbe:
          initialDelaySeconds: 1
          periodSeconds: 1
---
`

func TestMetalLBGetsLocalImagesAndNoWebhook(t *testing.T) {
	t.Parallel()
	got, err := addon.MetalLB([]byte(released), func(component string) string { return "here/" + component })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(adapted, string(got)); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
}

func TestMetalLBRefusesAManifestOfAnotherShape(t *testing.T) {
	t.Parallel()
	for name, manifest := range map[string]string{
		"a workload of two containers": "kind: Deployment\nspec: {template: {spec: {containers: [{}, {}]}}}",
		"a workload without a probe":   "kind: DaemonSet\nspec: {template: {spec: {containers: [{}]}}}",
		"a workload without a pod":     "kind: DaemonSet",
		"a text that is no YAML":       "kind: [",
	} {
		if _, err := addon.MetalLB([]byte(manifest), func(string) string { return "" }); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestManifestsUseTheAddressesOfTheTopology(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		render func() ([]byte, error)
		kind   string
		path   []string
		want   any
	}{
		"CoreDNS answers at the address that pods ask": {
			render: addon.CoreDNS, kind: "Service", path: []string{"spec", "clusterIP"}, want: topology.ClusterDNS,
		},
		"MetalLB gives out the LAN's pool": {
			render: addon.Pool, kind: "IPAddressPool", path: []string{"spec", "addresses"},
			want: []any{topology.PoolFirst + "-" + topology.PoolLast},
		},
		"MetalLB announces on the LAN only": {
			render: addon.Pool, kind: "L2Advertisement", path: []string{"spec", "interfaces"}, want: []any{topology.LANBridge},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := tc.render()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, field(t, content, tc.kind, tc.path)); diff != "" {
				t.Errorf("%s %v (-want +got):\n%s", tc.kind, tc.path, diff)
			}
		})
	}
}

// field reads a field of the object of a kind in a manifest.
func field(t *testing.T, manifest []byte, kind string, path []string) any {
	t.Helper()
	for document := range bytes.SplitSeq(manifest, []byte("\n---\n")) {
		var object map[string]any
		if err := yaml.Unmarshal(document, &object); err != nil {
			t.Fatal(err)
		}
		if object["kind"] != kind {
			continue
		}
		var value any = object
		for _, key := range path {
			value = value.(map[string]any)[key]
		}
		return value
	}
	t.Fatalf("the manifest has no %s", kind)
	return nil
}
