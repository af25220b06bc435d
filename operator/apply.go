package operator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/infra"
)

// errForeign says that an object of the name is there and is not ours to write.
var errForeign = errors.New("an object of that name belongs to someone else")

// applier brings owned objects to what is wanted, by server-side apply: fields
// that others own (MetalLB's annotations, a cluster's defaults) stay. It writes
// only what differs.
type applier struct {
	cluster

	mu   sync.Mutex
	done map[objectKey]applied
}

type objectKey struct {
	kind schema.GroupVersionKind
	key  types.NamespacedName
}

// applied remembers what was last written: without it a field that is no longer
// wanted could not be told from one that someone else has added.
type applied struct {
	hash            string
	resourceVersion string
}

func newApplier(c cluster) *applier { return &applier{cluster: c, done: map[objectKey]applied{}} }

// apply makes the object exist as it is given. It fails with errForeign where
// someone else has an object of that name.
func (a *applier) apply(ctx context.Context, o infra.Object) error {
	wanted, err := a.manifest(o)
	if err != nil {
		return err
	}
	key := objectKey{wanted.GroupVersionKind(), types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}}
	hash, err := hashOf(wanted)
	if err != nil {
		return err
	}
	a.mu.Lock()
	before, known := a.done[key]
	a.mu.Unlock()
	live, err := a.read(ctx, key)
	if err != nil {
		return err
	}
	if known && live != nil && before.hash == hash &&
		(live.GetResourceVersion() == before.resourceVersion || covers(live.Object, wanted.Object)) {
		return nil
	}
	if !known {
		if err := a.claim(ctx, key, o); err != nil {
			return err
		}
	}
	if err := a.writer.Apply(ctx, client.ApplyConfigurationFromUnstructured(wanted), owner, client.ForceOwnership); err != nil {
		return fmt.Errorf("apply %s %s: %w", key.kind.Kind, key.key, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done[key] = applied{hash: hash, resourceVersion: wanted.GetResourceVersion()}
	return nil
}

// forget drops what is known of an object that is gone.
func (a *applier) forget(key objectKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.done, key)
}

// manifest returns the object as one would write it: without status, times and
// nulls, which server-side apply would take for the wish to own them.
func (a *applier) manifest(o infra.Object) (*unstructured.Unstructured, error) {
	gvk, err := apiutil.GVKForObject(o, a.scheme)
	if err != nil {
		return nil, fmt.Errorf("apply %T: %w", o, err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, fmt.Errorf("apply %s %s/%s: %w", gvk.Kind, o.GetNamespace(), o.GetName(), err)
	}
	delete(content, "status")
	dropNulls(content)
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(gvk)
	return u, nil
}

func dropNulls(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case map[string]any:
			dropNulls(v)
		case []any:
			for _, item := range v {
				if item, ok := item.(map[string]any); ok {
					dropNulls(item)
				}
			}
		}
	}
}

// read returns what the cache holds of the object; nil if it is not there.
func (a *applier) read(ctx context.Context, key objectKey) (*unstructured.Unstructured, error) {
	typed, err := a.scheme.New(key.kind)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", key.kind.Kind, key.key, err)
	}
	object, ok := typed.(client.Object)
	if !ok {
		return nil, fmt.Errorf("read %s %s: %T is no object", key.kind.Kind, key.key, typed)
	}
	if err := a.cached.Get(ctx, key.key, object); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read %s %s: %w", key.kind.Kind, key.key, err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", key.kind.Kind, key.key, err)
	}
	u := &unstructured.Unstructured{Object: content}
	// A typed object does not always say what it is.
	u.SetGroupVersionKind(key.kind)
	return u, nil
}

// claim makes sure, before the first write, that an object that is there already
// is ours: has the same owner as the one to apply. The cache would not tell, as
// it holds only what has our labels.
func (a *applier) claim(ctx context.Context, key objectKey, o infra.Object) error {
	there := &metav1.PartialObjectMetadata{}
	there.SetGroupVersionKind(key.kind)
	if err := a.live.Get(ctx, key.key, there); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("read %s %s: %w", key.kind.Kind, key.key, err)
	}
	if !sameOwner(there, o) {
		return fmt.Errorf("apply %s %s: %w", key.kind.Kind, key.key, errForeign)
	}
	return nil
}

// sameOwner compares controllers. A Certificate has none: there, it is one that
// has the operator's label, or that is controlled by one of its Gateways, as
// cert-manager's gateway-shim makes it.
func sameOwner(there, wanted metav1.Object) bool {
	x, y := metav1.GetControllerOf(there), metav1.GetControllerOf(wanted)
	if x != nil && y != nil {
		return x.UID == y.UID
	}
	if y != nil {
		return false
	}
	if x == nil {
		return there.GetLabels()[v1alpha1.LabelGenerated] == "true"
	}
	return slices.ContainsFunc(wanted.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == x.UID })
}

// covers says whether all that is wanted is so in what is there, which may have
// more: defaults, and what others own.
func covers(live, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		live, ok := live.(map[string]any)
		if !ok {
			// An empty struct is written as {} and may be read as nothing.
			return len(wanted) == 0
		}
		for k, v := range wanted {
			if !covers(live[k], v) {
				return false
			}
		}
		return true
	case []any:
		live, _ := live.([]any)
		for _, v := range wanted {
			if !someCovers(live, v) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(live, wanted)
	}
}

func someCovers(live []any, wanted any) bool {
	for _, l := range live {
		if covers(l, wanted) {
			return true
		}
	}
	return false
}

func hashOf(u *unstructured.Unstructured) (string, error) {
	// Keys of maps are encoded in order.
	data, err := json.Marshal(u.Object)
	if err != nil {
		return "", fmt.Errorf("encode %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
