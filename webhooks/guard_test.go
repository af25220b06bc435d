package webhooks

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	undecided := func(context.Context, admission.Request) admission.Response {
		return admission.Denied("reading the cluster: no connection")
	}
	panics := func(context.Context, admission.Request) admission.Response { panic("nil route") }
	refuses := func(context.Context, admission.Request) admission.Response {
		return admission.Errored(http.StatusUnprocessableEntity, errors.New("spec.rules[0]: no"))
	}

	tests := map[string]struct {
		handler admission.HandlerFunc
		open    bool
		asked   admissionv1.Operation
		allowed bool
		warning string
	}{
		"an object of others passes, with a warning, when nothing can be decided": {
			handler: undecided, open: true, allowed: true,
			warning: "Gatewright could not check this object: reading the cluster: no connection",
		},
		"an object of others passes, with a warning, when Gatewright panics": {
			handler: panics, open: true, allowed: true,
			warning: "Gatewright could not check this object: Gatewright has failed: please report its log",
		},
		"an object of our own does not pass when nothing can be decided": {handler: undecided},
		"an object of our own does not pass when Gatewright panics":      {handler: panics},
		"an object of our own goes when nothing can be decided": {
			handler: undecided, asked: admissionv1.Delete, allowed: true,
			warning: "Gatewright could not check this object: reading the cluster: no connection",
		},
		"a refusal stands": {handler: refuses, open: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := guard{next: test.handler, open: test.open}.Handle(t.Context(), admission.Request{
				AdmissionRequest: admissionv1.AdmissionRequest{Operation: test.asked},
			})
			if response.Allowed != test.allowed {
				t.Errorf("allowed = %v, want %v", response.Allowed, test.allowed)
			}
			if got := strings.Join(response.Warnings, "\n"); got != test.warning {
				t.Errorf("warnings = %q, want %q", got, test.warning)
			}
		})
	}
}
