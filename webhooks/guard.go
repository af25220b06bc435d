package webhooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	admissionv1 "k8s.io/api/admission/v1"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// guard answers in place of a handler that could not decide or panicked.
type guard struct {
	next admission.Handler
	// open lets the object pass then, with a warning: for the API of others,
	// which nobody should be kept from because Gatewright fails. Deletions always
	// pass.
	open bool
}

// Handle implements admission.Handler.
func (g guard) Handle(ctx context.Context, request admission.Request) (response admission.Response) {
	defer func() {
		if p := recover(); p != nil {
			logf.FromContext(ctx).Error(fmt.Errorf("panic: %v", p), "judging an object", "stack", string(debug.Stack()))
			response = g.undecided(request, "Gatewright has failed: please report its log")
		}
	}()
	response = g.next.Handle(ctx, request)
	if response.Allowed || response.Result == nil || response.Result.Code == http.StatusUnprocessableEntity {
		return response
	}
	logf.FromContext(ctx).Error(errors.New(response.Result.Message), "judging an object")
	return g.undecided(request, response.Result.Message)
}

func (g guard) undecided(request admission.Request, why string) admission.Response {
	if !g.open && request.Operation != admissionv1.Delete {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("could not check this object: %s", why))
	}
	return admission.Allowed("").WithWarnings(cut("Gatewright could not check this object: " + why))
}
