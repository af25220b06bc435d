package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// mutation answers with what a defaulter changes, and with nothing else.
//
// controller-runtime's own handler compares with the request's raw object: what
// the Go types print differently, an empty status for one, then looks like a
// change, and a field that the user forgot is written as an empty one.
type mutation[T object] struct {
	decoder   admission.Decoder
	defaulter admission.Defaulter[T]
	empty     T
}

func mutate[T object](scheme *runtime.Scheme, defaulter admission.Defaulter[T], empty T) *admission.Webhook {
	return &admission.Webhook{Handler: mutation[T]{admission.NewDecoder(scheme), defaulter, empty}}
}

// Handle implements admission.Handler.
func (m mutation[T]) Handle(ctx context.Context, request admission.Request) admission.Response {
	wanted := m.empty.DeepCopyObject().(T)
	if err := m.decoder.Decode(request, wanted); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if wanted.GetDeletionTimestamp() != nil {
		return admission.Allowed("")
	}
	if isBeyondSchema(wanted) {
		return admission.Errored(http.StatusBadRequest, errBeyondSchema)
	}
	before, err := json.Marshal(wanted)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("encoding the object: %w", err))
	}
	if err := m.defaulter.Default(ctx, wanted); err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	after, err := json.Marshal(wanted)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("encoding the object: %w", err))
	}
	patches, err := jsonpatch.CreatePatch(before, after)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("comparing the object: %w", err))
	}
	return admission.Patched("", patches...)
}
