package diagnostic

import (
	"cmp"
	"slices"
	"strings"
)

// Check is one thing that can be wrong, and the one name that admission,
// status, lint and the documentation have for it.
type Check struct {
	// ID is stable, in kebab case: scripts and suppressions refer to it.
	ID string
	// Severity of what it finds, unless circumstances soften it.
	Severity Severity
	// Reason of the condition that says so.
	Reason string
	// Prevents says what would happen without the check.
	Prevents string
	// Example is what is found, as it stands in a manifest.
	Example string
	// Fix says what to write instead.
	Fix string
	// StatusOnly says that it takes Secrets or EndpointSlices, which admission
	// does not read: it is told in status, and by lint.
	StatusOnly bool
	// BySchema says that the CRDs' own validation refuses it before admission is
	// asked. Lint has no API server, and other versions of the CRDs allow more.
	BySchema bool
}

// At returns a finding of the check, with a fix for this finding; the check's
// own where there is no better one.
func (c Check) At(field, message, fix string) Diagnostic {
	return Diagnostic{
		Check: c.ID, Field: field, Severity: c.Severity, Reason: c.Reason, Message: message, Fix: cmp.Or(fix, c.Fix),
	}
}

// Checks returns all checks, sorted by ID.
func Checks() []Check {
	all := slices.Concat(routeChecks(), backendChecks(), gatewayChecks(), certificateChecks(), policyChecks(), edgeChecks(), backendTLSChecks(), sessionChecks(), authChecks())
	slices.SortFunc(all, func(a, b Check) int { return strings.Compare(a.ID, b.ID) })
	return all
}
