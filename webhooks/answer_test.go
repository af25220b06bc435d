package webhooks

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/judgement"
)

func TestRefusalReadsLikeTheAPIServersOwn(t *testing.T) {
	t.Parallel()
	err := refusal(schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}, "whoami", []diagnostic.Diagnostic{
		{Field: "spec.rules[0].name", Message: "it is wrong", Fix: "make it right"},
		{Field: "spec.rules[1].name", Message: "it is wrong, too"},
	})

	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		t.Fatalf("%v is no API error of reason Invalid", err)
	}
	want := metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    422,
		Reason:  metav1.StatusReasonInvalid,
		Message: "spec.rules[0].name: it is wrong: make it right\nspec.rules[1].name: it is wrong, too",
		Details: &metav1.StatusDetails{
			Group: "gateway.networking.k8s.io", Kind: "HTTPRoute", Name: "whoami",
			Causes: []metav1.StatusCause{
				{Type: metav1.CauseTypeFieldValueInvalid, Field: "spec.rules[0].name", Message: "it is wrong: make it right"},
				{Type: metav1.CauseTypeFieldValueInvalid, Field: "spec.rules[1].name", Message: "it is wrong, too"},
			},
		},
	}
	if diff := cmp.Diff(want, status.Status()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestWarningsFitWhatTheAPIServerPassesOn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 300) + "\nsecond line"
	warnings := warningsOf(judgement.Judgement{
		Warnings: []diagnostic.Diagnostic{{Message: long}, {Message: "first\nsecond"}},
		Losses:   []string{"HTTPRoute blog/whoami is no longer served by this Gateway"},
	})

	if n := utf8.RuneCountInString(warnings[0]); n != maxWarningLength {
		t.Errorf("the first warning has %d characters, want %d", n, maxWarningLength)
	}
	want := []string{"first second", "HTTPRoute blog/whoami is no longer served by this Gateway"}
	if diff := cmp.Diff(want, []string(warnings[1:])); diff != "" {
		t.Errorf("further warnings (-want +got):\n%s", diff)
	}
}
