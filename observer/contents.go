package observer

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// contentReader fetches those objects of a kind that our Gateways name, once for
// each of their versions. Of the others, metadata is all that is ever read.
type contentReader[O client.Object] struct {
	metadata client.Reader
	live     client.Reader
	kind     string
	empty    func() O

	mu    sync.Mutex
	known map[types.NamespacedName]O
}

func newContentReader[O client.Object](metadata, live client.Reader, kind string, empty func() O) *contentReader[O] {
	return &contentReader[O]{metadata: metadata, live: live, kind: kind, empty: empty}
}

// read returns those of the objects that exist. What is no longer named is
// forgotten.
func (r *contentReader[O]) read(ctx context.Context, names map[types.NamespacedName]bool) ([]O, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := map[types.NamespacedName]O{}
	var out []O
	for key := range names {
		object, err := r.get(ctx, key)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s %s: %w", r.kind, key, err)
		}
		kept[key] = object
		out = append(out, object)
	}
	r.known = kept
	return out, nil
}

func (r *contentReader[O]) get(ctx context.Context, key types.NamespacedName) (O, error) {
	var none O
	metadata := metadataOf(r.kind)
	if err := r.metadata.Get(ctx, key, metadata); err != nil {
		return none, err
	}
	if known, ok := r.known[key]; ok && known.GetResourceVersion() == metadata.ResourceVersion {
		return known, nil
	}
	object := r.empty()
	if err := r.live.Get(ctx, key, object); err != nil {
		return none, err
	}
	object.SetManagedFields(nil)
	return object, nil
}
