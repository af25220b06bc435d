package operator

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// pruner deletes what the operator made and nothing asks for any more. What
// belonged to a Gateway or route that is gone is not its business: that goes
// with its owner.
type pruner struct {
	cluster
	applier *applier
}

// prune goes by the snapshot that the result came from.
func (p *pruner) prune(ctx context.Context, s snapshot.Snapshot, r compiler.Result) error {
	wanted, err := p.wanted(r)
	if err != nil {
		return err
	}
	keep := func(o client.Object, key objectKey) bool { return wanted[key] || !superfluous(o, s, r) }
	managed := client.MatchingLabels{infra.LabelManagedBy: infra.ManagedBy}
	secrets := &metav1.PartialObjectMetadataList{}
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	var errs []error
	for _, list := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, secrets} {
		errs = append(errs, p.each(ctx, list, managed, keep))
	}
	generated := client.MatchingLabels{v1alpha1.LabelGenerated: "true"}
	errs = append(errs, p.each(ctx, &v1alpha1.WebSocketPolicyList{}, generated, func(o client.Object, key objectKey) bool {
		controller := metav1.GetControllerOf(o)
		return wanted[key] || controller == nil || controller.Kind != "HTTPRoute"
	}))
	return errors.Join(errs...)
}

func (p *pruner) wanted(r compiler.Result) (map[objectKey]bool, error) {
	wanted := map[objectKey]bool{}
	add := func(o client.Object) error {
		gvk, err := apiutil.GVKForObject(o, p.scheme)
		if err != nil {
			return fmt.Errorf("prune: %w", err)
		}
		wanted[objectKey{gvk, client.ObjectKeyFromObject(o)}] = true
		return nil
	}
	for _, g := range r.Gateways {
		for _, o := range g.Objects {
			if err := add(o); err != nil {
				return nil, err
			}
		}
		for _, name := range []string{infra.IdentitySecretName(g.Key), infra.BundleSecretName(g.Key)} {
			secret := corev1.SchemeGroupVersion.WithKind("Secret")
			wanted[objectKey{secret, types.NamespacedName{Namespace: g.Key.Namespace, Name: name}}] = true
		}
	}
	for _, policy := range r.Policies {
		if err := add(policy); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// superfluous says that the object's Gateway exists and does not need it. A
// Gateway of ours that is not accepted (a GatewayConfig that is not there yet)
// keeps what it has, its address above all.
func superfluous(o client.Object, s snapshot.Snapshot, r compiler.Result) bool {
	controller := metav1.GetControllerOf(o)
	if controller == nil || controller.Kind != "Gateway" || controller.APIVersion != gatewayv1.GroupVersion.String() {
		return false
	}
	gateway, ok := s.Gateways.Get(o.GetNamespace(), controller.Name)
	if !ok || gateway.UID != controller.UID {
		return false
	}
	ours := false
	for _, g := range r.Statuses.Gateways {
		ours = ours || g.Key == snapshot.KeyOf(gateway)
	}
	for _, g := range r.Gateways {
		if g.Key == snapshot.KeyOf(gateway) {
			return true
		}
	}
	return !ours
}

func (p *pruner) each(ctx context.Context, list client.ObjectList, selector client.MatchingLabels, keep func(client.Object, objectKey) bool) error {
	if err := p.cached.List(ctx, list, selector, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("prune %T: %w", list, err)
	}
	var errs []error
	err := meta.EachListItem(list, func(item runtime.Object) error {
		o, ok := item.(client.Object)
		if !ok {
			return nil
		}
		gvk, err := apiutil.GVKForObject(o, p.scheme)
		if err != nil {
			return err
		}
		key := objectKey{gvk, client.ObjectKeyFromObject(o)}
		if keep(o, key) || !o.GetDeletionTimestamp().IsZero() {
			return nil
		}
		errs = append(errs, p.delete(ctx, o, key))
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func (p *pruner) delete(ctx context.Context, o client.Object, key objectKey) error {
	uid := o.GetUID()
	gone := &metav1.PartialObjectMetadata{}
	gone.SetGroupVersionKind(key.kind)
	gone.SetNamespace(key.key.Namespace)
	gone.SetName(key.key.Name)
	err := p.writer.Delete(ctx, gone, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("prune %s %s: %w", key.kind.Kind, key.key, err)
	}
	p.applier.forget(key)
	return nil
}
