package webhooks

import (
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/judgement"
)

// The API server passes on 4096 characters of warnings and, beyond that, cuts
// each at 256 and drops the rest: say what matters within that.
const (
	maxWarnings      = 15
	maxWarningLength = 256
)

// warningsOf puts the object's own warnings before those about others.
func warningsOf(j judgement.Judgement) admission.Warnings {
	all := len(j.Warnings) + len(j.Losses)
	told := all
	if all > maxWarnings {
		// The last place tells how many are not told.
		told = maxWarnings - 1
	}
	var said admission.Warnings
	for _, d := range j.Warnings[:min(told, len(j.Warnings))] {
		said = append(said, cut(d.String()))
	}
	for _, loss := range j.Losses[:told-len(said)] {
		said = append(said, cut(loss))
	}
	if told < all {
		said = append(said, fmt.Sprintf("and %d more warnings: see the status of the objects concerned", all-told))
	}
	return said
}

// cut shortens a warning, and makes one line of it as an HTTP header is one.
func cut(s string) string {
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) <= maxWarningLength {
		return string(runes)
	}
	return string(runes[:maxWarningLength-1]) + "…"
}

// refusal answers as the API server does for its own validation, so that
// clients show the fields; nil when nothing is denied.
func refusal(subject schema.GroupKind, name string, denials []diagnostic.Diagnostic) error {
	if len(denials) == 0 {
		return nil
	}
	lines := make([]string, len(denials))
	causes := make([]metav1.StatusCause, len(denials))
	for i, d := range denials {
		lines[i] = d.String()
		message := d
		message.Field = ""
		causes[i] = metav1.StatusCause{
			Type:    metav1.CauseTypeFieldValueInvalid,
			Message: message.String(),
			Field:   d.Field,
		}
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusUnprocessableEntity,
		Reason:  metav1.StatusReasonInvalid,
		Message: strings.Join(lines, "\n"),
		Details: &metav1.StatusDetails{
			Group:  subject.Group,
			Kind:   subject.Kind,
			Name:   name,
			Causes: causes,
		},
	}}
}
