package admission

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/gateway-api/conformance"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// TestTheConformanceSuitesManifestsAreAdmitted applies every manifest of the
// upstream suite. The suite applies broken objects on purpose, to see what their
// status says: admission must let in whatever could become valid.
func TestTheConformanceSuitesManifestsAreAdmitted(t *testing.T) {
	base := suiteObjects(t, "base/manifests.yaml")
	if err := makeAll(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(t, base) })
	admitted := len(base)
	files, err := fs.Glob(conformance.Manifests, "tests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests in the suite: %v", err)
	}
	for _, file := range append(files, "mesh/manifests.yaml") {
		t.Run(strings.TrimSuffix(path.Base(file), ".yaml"), func(t *testing.T) {
			objects := suiteObjects(t, file)
			t.Cleanup(func() { removeAll(t, objects) })
			if err := makeAll(t.Context(), objects); err != nil {
				t.Error(err)
			}
			admitted += len(objects)
		})
	}
	t.Logf("%d objects of %d files admitted", admitted, len(files)+2)
}

// placeholders are what the suite fills in.
var placeholders = map[string]string{
	"{GATEWAY_CLASS_NAME}":       "gatewright",
	"{GATEWAY_CONTROLLER_NAME}":  v1alpha1.ControllerName,
	"PLACEHOLDER_USABLE_ADDRS":   "192.168.77.140",
	"PLACEHOLDER_UNUSABLE_ADDRS": "10.9.9.9",
}

// suiteObjects reads a file of the suite, for our class, and leaves out the
// workloads: they would run.
func suiteObjects(t *testing.T, name string) []*unstructured.Unstructured {
	t.Helper()
	file, err := conformance.Manifests.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for placeholder, value := range placeholders {
		file = bytes.ReplaceAll(file, []byte(placeholder), []byte(value))
	}
	return slices.DeleteFunc(objectsIn(t, file), func(o *unstructured.Unstructured) bool {
		return o.GetKind() == "Deployment" || o.GetKind() == "Namespace"
	})
}

func makeAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	if err := makeNamespaces(ctx, objects); err != nil {
		return err
	}
	for _, o := range objects {
		if err := api.Create(ctx, o.DeepCopy()); err != nil {
			return err
		}
	}
	return nil
}

func removeAll(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, o := range objects {
		if err := client.IgnoreNotFound(api.Delete(context.Background(), o)); err != nil {
			t.Error(err)
		}
	}
}
