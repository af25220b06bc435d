package diagnostic

// The checks of policies.
var (
	// PolicyTargetNotFound: a policy without effect
	PolicyTargetNotFound = Check{
		ID: "policy-target-not-found", Severity: Warn, Reason: "TargetNotFound",
		Prevents: "a policy without effect",
		Example:  "targetRefs: [{kind: HTTPRoute, name: missing}]",
		Fix:      "name a route or a Service, and a rule or a port of it, that exist",
	}
	// PolicyConflict: two policies for one target, of which one has no effect
	PolicyConflict = Check{
		ID: "policy-conflict", Severity: Warn, Reason: "Conflicted",
		Prevents: "two policies for one target, of which one has no effect",
		Example:  "two WebSocketPolicies for one route",
		Fix:      "delete one of the two",
	}
)

// The checks of what a policy asks for.
var (
	// InvalidOrigin: a web site that no browser names so, and that therefore would be kept out
	InvalidOrigin = Check{
		ID: "invalid-origin", Severity: Deny, Reason: "Invalid",
		Prevents: "a web site that no browser names so, and that therefore would be kept out",
		Example:  `allowedOrigins: ["https://ha.example.net/lovelace"]`,
		Fix:      "write https://ha.example.net, https://*.example.net or http://192.168.1.10:8123 for example",
	}
	// InvalidMaxConnections: a limit that nobody could keep
	InvalidMaxConnections = Check{
		ID: "invalid-max-connections", Severity: Deny, Reason: "Invalid",
		Prevents: "a limit that nobody could keep",
		Example:  "maxConnections: 0",
		Fix:      "write a number from 1 to 65535, or leave it out for any number",
		BySchema: true,
	}
)

func policyChecks() []Check {
	return []Check{
		PolicyTargetNotFound,
		PolicyConflict,
		InvalidOrigin,
		InvalidMaxConnections,
	}
}
