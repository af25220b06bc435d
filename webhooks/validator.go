package webhooks

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/gatewright/gatewright/compiler/judgement"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// observe returns what the cluster holds now.
type observe func(context.Context) (snapshot.Snapshot, error)

// object is an API object of any kind.
type object interface {
	metav1.Object
	runtime.Object
}

// validator judges every change of the objects of one kind by what the compiler
// says of the cluster with and without it. What is wrong in the object is in
// the answer; an error that is no refusal means: could not decide.
type validator[T object] struct {
	kind    schema.GroupKind
	observe observe
}

// validate returns the webhook that validates objects like the empty one, whose
// type the scheme knows.
func validate[T object](scheme *runtime.Scheme, observe observe, empty T) *admission.Webhook {
	kinds, _, err := scheme.ObjectKinds(empty)
	utilruntime.Must(err)
	return admission.WithValidator(scheme, validator[T]{kind: kinds[0].GroupKind(), observe: observe})
}

// ValidateCreate implements admission.Validator.
func (v validator[T]) ValidateCreate(ctx context.Context, created T) (admission.Warnings, error) {
	return v.answer(ctx, judgement.Change{New: created})
}

// ValidateUpdate implements admission.Validator. An object that is on its way
// out passes: its finalizers must be able to go.
func (v validator[T]) ValidateUpdate(ctx context.Context, old, updated T) (admission.Warnings, error) {
	if updated.GetDeletionTimestamp() != nil {
		return nil, nil
	}
	return v.answer(ctx, judgement.Change{Old: old, New: updated})
}

// ValidateDelete implements admission.Validator. It may warn; it never refuses.
func (v validator[T]) ValidateDelete(ctx context.Context, deleted T) (admission.Warnings, error) {
	return v.answer(ctx, judgement.Change{Old: deleted})
}

func (v validator[T]) answer(ctx context.Context, c judgement.Change) (admission.Warnings, error) {
	if c.New != nil && isBeyondSchema(c.New) || c.Old != nil && isBeyondSchema(c.Old) {
		return nil, errBeyondSchema
	}
	s, err := v.observe(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster: %w", err)
	}
	c.Kind = v.kind.Kind
	j := judgement.Of(c, s)
	if c.New == nil {
		return warningsOf(j), nil
	}
	return warningsOf(j), refusal(v.kind, c.New.GetName(), j.Denials)
}
