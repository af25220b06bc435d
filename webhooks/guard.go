package webhooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const (
	// maxBody is above what two objects (the old and the new one) of etcd's
	// 1.5 MiB can take.
	maxBody = 4 << 20
	// maxConcurrent reviews are worked on; others wait. Together with maxBody it
	// bounds the memory that anyone in the cluster can make the process use.
	maxConcurrent = 8
	// maxDuration of a review is below the 3 s that the API server waits.
	maxDuration = 2500 * time.Millisecond
)

// bounded limits size, number and duration of the requests that reach next.
// What is over a limit gets an HTTP error: for the API server the webhook then
// failed, and its failurePolicy decides.
func bounded(next http.Handler, slots chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			http.Error(w, "the AdmissionReview is too large", http.StatusRequestEntityTooLarge)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), maxDuration)
		defer cancel()
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			http.Error(w, "too many AdmissionReviews at once", http.StatusServiceUnavailable)
			return
		}
		// A slow sender must not keep its slot. Not every ResponseWriter can do
		// it; the ones of net/http's servers can.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxDuration))
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

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
