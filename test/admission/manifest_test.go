package admission

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// objectsIn reads manifests, without what only an API server may write.
func objectsIn(t *testing.T, manifests []byte) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096); ; {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(o)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("read manifests: %v", err)
		}
		if len(o.Object) == 0 {
			continue
		}
		for _, field := range [][]string{
			{"metadata", "creationTimestamp"}, {"metadata", "uid"}, {"metadata", "generation"}, {"spec", "clusterIP"}, {"spec", "clusterIPs"},
			// Of owners that are not there, the object would be collected.
			{"metadata", "ownerReferences"},
		} {
			unstructured.RemoveNestedField(o.Object, field...)
		}
		// Nobody writes the status of an issuer here but the case.
		if !strings.HasSuffix(o.GetKind(), "Issuer") {
			unstructured.RemoveNestedField(o.Object, "status")
		}
		objects = append(objects, o)
	}
}

// makeNamespaces makes the namespaces of the objects, for the whole suite.
func makeNamespaces(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if o.GetNamespace() == "" {
			continue
		}
		n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.GetNamespace()}}
		if err := lab.Client.Create(ctx, n); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("make namespace %s: %w", n.Name, err)
		}
	}
	return nil
}

// named is how diagnostics name the object.
func named(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + client.ObjectKeyFromObject(o).String()
}

// inOrder puts last what refers to others: admission does not refuse a route
// while it does not know whose Gateway it is for.
func inOrder(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	refers := func(o *unstructured.Unstructured) int {
		if strings.HasSuffix(o.GetKind(), "Route") || strings.HasSuffix(o.GetKind(), "Policy") {
			return 1
		}
		return 0
	}
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b *unstructured.Unstructured) int { return refers(a) - refers(b) })
	return sorted
}
