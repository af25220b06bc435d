package diagnostic

// The checks of policies.
var (
	// PolicyTargetNotFound: a policy without effect
	PolicyTargetNotFound = Check{
		ID: "policy-target-not-found", Severity: Warn, Reason: "TargetNotFound",
		Prevents: "a policy without effect",
		Example:  "targetRefs: [{kind: HTTPRoute, name: missing}]",
		Fix:      "name a route, and a rule, that exist",
	}
	// PolicyConflict: two policies for one target, of which one has no effect
	PolicyConflict = Check{
		ID: "policy-conflict", Severity: Warn, Reason: "Conflicted",
		Prevents: "two policies for one target, of which one has no effect",
		Example:  "two WebSocketPolicies for one route",
		Fix:      "delete one of the two",
	}
)

func policyChecks() []Check {
	return []Check{
		PolicyTargetNotFound,
		PolicyConflict,
	}
}
