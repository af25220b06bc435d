package diagnostic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says what admission does with a diagnostic.
type Severity string

const (
	// Deny marks what can never become valid, in whatever order objects are
	// applied: admission refuses it.
	Deny Severity = "deny"
	// Warn marks what may become valid when something else appears or changes:
	// admission lets it in with a warning, status says the same.
	Warn Severity = "warn"
	// Info is worth telling, nothing is wrong.
	Info Severity = "info"
)

// Object names an API object.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String returns "HTTPRoute blog/whoami".
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Diagnostic is one finding about one field of one object.
type Diagnostic struct {
	Object Object `json:"object"`
	// Field is the path as the API server writes it:
	// spec.rules[0].matches[1].path.value.
	Field    string   `json:"field,omitempty"`
	Severity Severity `json:"severity"`
	// Check is the ID of the Check that found it.
	Check string `json:"check"`
	// Reason of the condition that says so.
	Reason string `json:"reason"`
	// Message says what is wrong, with the value in question.
	Message string `json:"message"`
	// Fix says what to write instead.
	Fix string `json:"fix,omitempty"`
}

// String returns the sentence that users see: field, message, fix.
func (d Diagnostic) String() string {
	s := d.Message
	if d.Field != "" {
		s = d.Field + ": " + s
	}
	if d.Fix != "" {
		s = fmt.Sprintf("%s: %s", s, d.Fix)
	}
	return s
}

// Sort orders diagnostics by object, field, severity, reason and message, so
// that the same input always speaks in the same order.
func Sort(ds []Diagnostic) {
	slices.SortFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			strings.Compare(a.Object.String(), b.Object.String()),
			strings.Compare(a.Field, b.Field),
			strings.Compare(string(a.Severity), string(b.Severity)),
			strings.Compare(a.Reason, b.Reason),
			strings.Compare(a.Message, b.Message))
	})
}
