package diagnostic

// The checks of what routes send requests to.
var (
	// NoBackends: a rule that answers 500 to everything, or closes every connection
	NoBackends = Check{
		ID: "no-backends", Severity: Warn, Reason: "NoBackends",
		Prevents: "a rule that answers 500 to everything, or closes every connection",
		Example:  "backendRefs: []",
		Fix:      "write backendRefs, or a redirect",
	}
	// BackendKind: a backend that nothing can be sent to
	BackendKind = Check{
		ID: "backend-kind", Severity: Warn, Reason: "InvalidKind",
		Prevents: "a backend that nothing can be sent to",
		Example:  "backendRefs: [{kind: Bucket, name: a}]",
		Fix:      "refer to a Service",
	}
	// BackendWithoutPort: a backend that nothing can be sent to
	BackendWithoutPort = Check{
		ID: "backend-without-port", Severity: Warn, Reason: "BackendNotFound",
		Prevents: "a backend that nothing can be sent to",
		Example:  "backendRefs: [{name: whoami}]",
		Fix:      "write port, the Service's port number",
		BySchema: true,
	}
	// BackendNotFound: a rule that answers 500 because its Service is missing or misspelt
	BackendNotFound = Check{
		ID: "backend-not-found", Severity: Warn, Reason: "BackendNotFound",
		Prevents: "a rule that answers 500 because its Service is missing or misspelt",
		Example:  "backendRefs: [{name: whoarni, port: 80}]",
		Fix:      "create the Service, or mend the name",
	}
	// BackendPortNotFound: a rule that answers 500 because its Service has no such port
	BackendPortNotFound = Check{
		ID: "backend-port-not-found", Severity: Warn, Reason: "BackendNotFound",
		Prevents: "a rule that answers 500 because its Service has no such port",
		Example:  "backendRefs: [{name: whoami, port: 8080}]",
		Fix:      "write the port of the Service, not of the pods",
	}
	// BackendNotPermitted: a backend of another namespace whose owner has not agreed
	BackendNotPermitted = Check{
		ID: "backend-not-permitted", Severity: Warn, Reason: "RefNotPermitted",
		Prevents: "a backend of another namespace whose owner has not agreed",
		Example:  "backendRefs: [{name: db, namespace: prod, port: 80}]",
		Fix:      "create a ReferenceGrant in the backend's namespace",
	}
	// BackendExternalName: a Service of type ExternalName, with which a route could reach anything (CVE-2021-25740)
	BackendExternalName = Check{
		ID: "backend-external-name", Severity: Warn, Reason: "UnsupportedProtocol",
		Prevents: "a Service of type ExternalName, with which a route could reach anything (CVE-2021-25740)",
		Example:  "type: ExternalName",
		Fix:      "make it a Service without selector, with an EndpointSlice",
	}
	// BackendProtocol: a backend that does not understand what nginx speaks to it
	BackendProtocol = Check{
		ID: "backend-protocol", Severity: Warn, Reason: "UnsupportedProtocol",
		Prevents: "a backend that does not understand what nginx speaks to it",
		Example:  "appProtocol: mysql",
		Fix:      "leave appProtocol out if the backend speaks HTTP/1.1 as well",
	}
	// UnusableEndpoints: endpoints that do not belong to the Service's port
	UnusableEndpoints = Check{
		ID: "unusable-endpoints", Severity: Warn, Reason: "NoEndpoints",
		Prevents:   "endpoints that do not belong to the Service's port",
		Example:    "an EndpointSlice whose port has another name than the Service's",
		Fix:        "give the port of the EndpointSlice the name that the Service's port has",
		StatusOnly: true,
	}
	// ForbiddenEndpoint: a Service that leads into the data plane's own pod or its node
	ForbiddenEndpoint = Check{
		ID: "forbidden-endpoint", Severity: Warn, Reason: "NoEndpoints",
		Prevents:   "a Service that leads into the data plane's own pod, to its node or to a cloud's metadata",
		Example:    "an EndpointSlice with the address 169.254.169.254",
		Fix:        "write the backend's own address; loopback, link-local and multicast addresses are left out",
		StatusOnly: true,
	}
)

func backendChecks() []Check {
	return []Check{
		NoBackends,
		BackendKind,
		BackendWithoutPort,
		BackendNotFound,
		BackendPortNotFound,
		BackendNotPermitted,
		BackendExternalName,
		BackendProtocol,
		UnusableEndpoints,
		ForbiddenEndpoint,
	}
}
