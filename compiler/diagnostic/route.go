package diagnostic

// The checks of routes: their parents, hostnames, matches and filters.
var (
	// ParentNotFound: a route that no Gateway serves
	ParentNotFound = Check{
		ID: "parent-not-found", Severity: Warn, Reason: "NoMatchingParent",
		Prevents: "a route that no Gateway serves",
		Example:  "parentRefs: [{name: hoem}]",
		Fix:      "name a Gateway that exists, with its namespace",
	}
	// ListenerNotFound: a route that no listener serves
	ListenerNotFound = Check{
		ID: "listener-not-found", Severity: Warn, Reason: "NoMatchingParent",
		Prevents: "a route that no listener serves",
		Example:  "parentRefs: [{name: home, sectionName: htps}]",
		Fix:      "name one of the Gateway's listeners, or leave sectionName and port out",
	}
	// ParentNotAttached: a route to a ListenerSet that no Gateway serves
	ParentNotAttached = Check{
		ID: "parent-not-attached", Severity: Warn, Reason: "NoMatchingParent",
		Prevents: "a route to a ListenerSet that no Gateway serves",
		Example:  "a ListenerSet for a Gateway without spec.allowedListeners",
		Fix:      "have the Gateway's spec.allowedListeners let the ListenerSet in",
	}
	// NotAllowedByListeners: a route that the Gateway's owner has not let in
	NotAllowedByListeners = Check{
		ID: "not-allowed-by-listeners", Severity: Warn, Reason: "NotAllowedByListeners",
		Prevents: "a route that the Gateway's owner has not let in",
		Example:  "a route of namespace blog at a Gateway of namespace infra",
		Fix:      "allowedRoutes.namespaces.from: All (or Selector) on the listener",
	}
	// RouteKindConflict: a host of which nobody knows whether it speaks HTTP or gRPC
	RouteKindConflict = Check{
		ID: "route-kind-conflict", Severity: Warn, Reason: "HostnameConflict",
		Prevents: "a host of which nobody knows whether it speaks HTTP or gRPC",
		Example:  "a GRPCRoute with a hostname that an older HTTPRoute of the listener has",
		Fix:      "give one of the two another hostname, or another listener",
	}
	// InvalidGRPCMethod: a match that no call can have
	InvalidGRPCMethod = Check{
		ID: "invalid-grpc-method", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a match that no call can have",
		Example:  `method: {service: shop/orders}`,
		Fix:      "write the full name of a service (package.Service), and the name of a method without slashes",
		BySchema: true,
	}
	// HostnameWithoutListener: a route whose hostnames reach no listener
	HostnameWithoutListener = Check{
		ID: "hostname-without-listener", Severity: Warn, Reason: "NoMatchingListenerHostname",
		Prevents: "a route whose hostnames reach no listener",
		Example:  "hostnames: [app.example.com] at a listener *.example.net",
		Fix:      "add a listener or change the hostname",
	}
	// InvalidHostname: a hostname that no request can have
	InvalidHostname = Check{
		ID: "invalid-hostname", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a hostname that no request can have",
		Example:  `hostnames: ["-.example.net"]`,
		Fix:      "write a DNS name, or *. and a DNS name",
	}
	// ShadowedMatch: a match that no request reaches, because an older route or an earlier rule has the same one
	ShadowedMatch = Check{
		ID: "shadowed-match", Severity: Warn, Reason: "Shadowed",
		Prevents: "a match that no request reaches, because an older route or an earlier rule has the same one",
		Example:  "two routes with the path /api for one hostname",
		Fix:      "change one of the two",
	}
	// DuplicateMatch: a condition that is ignored, because the same header or parameter has one already
	DuplicateMatch = Check{
		ID: "duplicate-match", Severity: Warn, Reason: "Duplicate",
		Prevents: "a condition that is ignored, because the same header or parameter has one already",
		Example:  `headers: [{name: x-a, value: "1"}, {name: X-A, value: "2"}]`,
		Fix:      "keep one of them",
	}
	// InvalidRegex: an expression that nginx cannot compile, for which it would refuse its whole configuration
	InvalidRegex = Check{
		ID: "invalid-regex", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "an expression that nginx cannot compile, for which it would refuse its whole configuration",
		Example:  `path: {type: RegularExpression, value: "(^/api"}`,
		Fix:      `write \ before what is meant literally`,
	}
	// InvalidPath: a path that no request can have
	InvalidPath = Check{
		ID: "invalid-path", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a path that no request can have",
		Example:  "path: {value: api}",
		Fix:      "begin with a slash",
		BySchema: true,
	}
	// InvalidMatchType: a match that means nothing
	InvalidMatchType = Check{
		ID: "invalid-match-type", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a match that means nothing",
		Example:  "path: {type: Glob, value: /a*}",
		Fix:      "Exact, PathPrefix or RegularExpression for a path, Exact or RegularExpression otherwise",
		BySchema: true,
	}
	// InvalidMethod: a match that no request can have
	InvalidMethod = Check{
		ID: "invalid-method", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a match that no request can have",
		Example:  "method: FETCH",
		Fix:      "write a method of HTTP, in capitals",
		BySchema: true,
	}
	// InvalidQueryParameter: a match that no request can have
	InvalidQueryParameter = Check{
		ID: "invalid-query-parameter", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a match that no request can have",
		Example:  `queryParams: [{name: "", value: x}]`,
		Fix:      "write the parameter's name",
		BySchema: true,
	}
	// InvalidText: text that would end a line or a string on its way to nginx, or is too long for it
	InvalidText = Check{
		ID: "invalid-text", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "text that would end a line or a string on its way to nginx, or is too long for it",
		Example:  `value: "a\nb"`,
		Fix:      "leave control characters out, or shorten it",
	}
	// EncodedControlCharacter: a rewritten path that nginx would send with a bare control character
	EncodedControlCharacter = Check{
		ID: "encoded-control-character", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a rewritten path that nginx would send with a bare control character",
		Example:  "replaceFullPath: /a%0Ab",
		Fix:      "leave it out",
	}
	// UnaddressableHeader: a header that nginx drops, or takes for another one
	UnaddressableHeader = Check{
		ID: "unaddressable-header", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a header that nginx drops, or takes for another one",
		Example:  "name: x_forwarded_user",
		Fix:      "use letters, digits and hyphens",
	}
	// DuplicateHeaderAction: two actions on one header, of which one would be lost
	DuplicateHeaderAction = Check{
		ID: "duplicate-header-action", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "two actions on one header, of which one would be lost",
		Example:  `set: [{name: X-A, value: "1"}], remove: [x-a]`,
		Fix:      "do one thing to a header in one filter",
	}
	// ReservedHeader: a changed header that decides where a message goes or how it is framed
	ReservedHeader = Check{
		ID: "reserved-header", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a changed header that decides where a message goes or how it is framed",
		Example:  "set: [{name: Host, value: a}]",
		Fix:      "for Host use a URLRewrite filter with hostname; leave others out",
	}
	// UpgradeNotWebsocket: an upgrade to another protocol than websocket, with which access rules could be passed by
	UpgradeNotWebsocket = Check{
		ID: "upgrade-not-websocket", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "an upgrade to another protocol than websocket, with which access rules could be passed by",
		Example:  "set: [{name: Upgrade, value: h2c}]",
		Fix:      "write the value websocket",
	}
	// RepeatedFilter: a second filter of a type, of which one would be lost
	RepeatedFilter = Check{
		ID: "repeated-filter", Severity: Deny, Reason: "IncompatibleFilters",
		Prevents: "a second filter of a type, of which one would be lost",
		Example:  "two filters of type URLRewrite in a rule",
		Fix:      "put both changes into one filter",
	}
	// ContradictingFilters: a redirect beside what can only happen to a request that is sent on
	ContradictingFilters = Check{
		ID: "contradicting-filters", Severity: Deny, Reason: "IncompatibleFilters",
		Prevents: "a redirect beside what can only happen to a request that is sent on",
		Example:  "a RequestRedirect filter in a rule with backendRefs",
		Fix:      "leave one of the two out",
		BySchema: true,
	}
	// PrefixWithoutPrefixMatch: a replaced prefix where none was matched
	PrefixWithoutPrefixMatch = Check{
		ID: "prefix-without-prefix-match", Severity: Deny, Reason: "IncompatibleFilters",
		Prevents: "a replaced prefix where none was matched",
		Example:  "replacePrefixMatch with a match of type Exact",
		Fix:      "match by PathPrefix, or use replaceFullPath",
		BySchema: true,
	}
	// InvalidPathModifier: a rewrite that means nothing
	InvalidPathModifier = Check{
		ID: "invalid-path-modifier", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a rewrite that means nothing",
		Example:  "path: {type: Suffix}",
		Fix:      "write ReplaceFullPath or ReplacePrefixMatch, with its value",
		BySchema: true,
	}
	// InvalidRedirect: a redirect that no client follows
	InvalidRedirect = Check{
		ID: "invalid-redirect", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a redirect that no client follows",
		Example:  "statusCode: 200",
		Fix:      "scheme http or https, a port up to 65535, and 301, 302, 303, 307 or 308",
		BySchema: true,
	}
	// InvalidTimeout: an attempt that could never take the time that it is given
	InvalidTimeout = Check{
		ID: "invalid-timeout", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "an attempt that could never take the time that it is given",
		Example:  "timeouts: {request: 1s, backendRequest: 2s}",
		Fix:      "give an attempt no more time than the whole request",
		BySchema: true,
	}
	// InvalidRetry: retries that never happen, or go on and on
	InvalidRetry = Check{
		ID: "invalid-retry", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "retries that never happen, or go on and on",
		Example:  "retry: {attempts: 1000, codes: [200]}",
		Fix:      "write 1 to 20 attempts, and codes from 400 to 599",
	}
	// UnknownFilter: a filter that is not known, without which the rule must not answer
	UnknownFilter = Check{
		ID: "unknown-filter", Severity: Warn, Reason: "InvalidKind",
		Prevents: "a filter that is not known, without which the rule must not answer",
		Example:  "extensionRef: {group: example.com, kind: Magic, name: a}",
		Fix:      "leave it out: until then the rule answers 500",
	}
	// UnsupportedFeature: a field that has no effect in this version; the rule answers 500 rather than without it
	UnsupportedFeature = Check{
		ID: "unsupported-feature", Severity: Warn, Reason: "UnsupportedValue",
		Prevents: "a field that has no effect in this version; the rule answers 500 rather than without it",
		Example:  "retry: {attempts: 2}",
		Fix:      "leave it out",
	}
)

func routeChecks() []Check {
	return []Check{
		ParentNotFound,
		ListenerNotFound,
		ParentNotAttached,
		NotAllowedByListeners,
		RouteKindConflict,
		InvalidGRPCMethod,
		HostnameWithoutListener,
		InvalidHostname,
		ShadowedMatch,
		DuplicateMatch,
		InvalidRegex,
		InvalidPath,
		InvalidMatchType,
		InvalidMethod,
		InvalidQueryParameter,
		InvalidText,
		EncodedControlCharacter,
		UnaddressableHeader,
		DuplicateHeaderAction,
		ReservedHeader,
		UpgradeNotWebsocket,
		RepeatedFilter,
		ContradictingFilters,
		PrefixWithoutPrefixMatch,
		InvalidPathModifier,
		InvalidRedirect,
		InvalidTimeout,
		InvalidRetry,
		UnknownFilter,
		UnsupportedFeature,
	}
}
