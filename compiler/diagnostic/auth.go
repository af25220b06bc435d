package diagnostic

// The checks of external authorization.
var (
	// InvalidAuth: a question that no authorization server understands
	InvalidAuth = Check{
		ID: "invalid-external-auth", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a question that no authorization server understands",
		Example:  "http: {path: /auth?next=}",
		Fix:      "write the settings of the protocol that is named, and a path without a query",
	}
	// UnsupportedAuth: a request that comes through though nobody let it in; the rule answers 500 rather than that
	UnsupportedAuth = Check{
		ID: "unsupported-external-auth", Severity: Warn, Reason: "UnsupportedValue",
		Prevents: "a request that comes through though nobody let it in; the rule answers 500 rather than that",
		Example:  "filters: [{type: ExternalAuth}, {type: RequestRedirect}]",
		Fix:      "put redirects and mirrors into other rules",
	}
)

func authChecks() []Check { return []Check{InvalidAuth, UnsupportedAuth} }
