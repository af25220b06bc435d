package observer

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// secretReader fetches the Secrets that our Gateways name, once for each of
// their versions.
type secretReader struct {
	metadata client.Reader
	live     client.Reader

	mu    sync.Mutex
	known map[types.NamespacedName]*corev1.Secret
}

func newSecretReader(metadata, live client.Reader) *secretReader {
	return &secretReader{metadata: metadata, live: live, known: map[types.NamespacedName]*corev1.Secret{}}
}

// read returns the Secrets that exist of those that Gateways of ours name. What
// is no longer named is forgotten.
func (r *secretReader) read(ctx context.Context, s snapshot.Snapshot) ([]*corev1.Secret, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := map[types.NamespacedName]*corev1.Secret{}
	var out []*corev1.Secret
	for key := range named(s) {
		secret, err := r.get(ctx, key)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read Secret %s: %w", key, err)
		}
		kept[key] = secret
		out = append(out, secret)
	}
	r.known = kept
	return out, nil
}

func (r *secretReader) get(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	metadata := SecretMetadata()
	if err := r.metadata.Get(ctx, key, metadata); err != nil {
		return nil, err
	}
	if known := r.known[key]; known != nil && known.ResourceVersion == metadata.ResourceVersion {
		return known, nil
	}
	secret := &corev1.Secret{}
	if err := r.live.Get(ctx, key, secret); err != nil {
		return nil, err
	}
	secret.ManagedFields = nil
	return secret, nil
}

// named are the Secrets that the listeners of our Gateways name, or would be
// given by default.
func named(s snapshot.Snapshot) map[types.NamespacedName]bool {
	out := map[types.NamespacedName]bool{}
	for _, g := range s.Gateways.All() {
		class, ok := s.GatewayClasses.Get("", string(g.Spec.GatewayClassName))
		if !ok || class.Spec.ControllerName != v1alpha1.ControllerName {
			continue
		}
		for _, secret := range graph.CertificateSecrets(g, s) {
			out[secret] = true
		}
	}
	return out
}
