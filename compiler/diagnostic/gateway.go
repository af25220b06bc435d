package diagnostic

// The checks of Gateways, listeners, GatewayClasses and GatewayConfigs.
var (
	// ClassNotAccepted: a Gateway that is not served, because its class is not in order
	ClassNotAccepted = Check{
		ID: "class-not-accepted", Severity: Warn, Reason: "InvalidParameters",
		Prevents: "a Gateway that is not served, because its class is not in order",
		Example:  "a class whose parametersRef leads nowhere",
		Fix:      "mend the GatewayClass",
	}
	// InvalidParameters: a data plane with other settings than written
	InvalidParameters = Check{
		ID: "invalid-parameters", Severity: Warn, Reason: "InvalidParameters",
		Prevents: "a data plane with other settings than written",
		Example:  "parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: missing}",
		Fix:      "refer to a sound GatewayConfig",
	}
	// AddressType: an address that no load balancer gives
	AddressType = Check{
		ID: "address-type", Severity: Warn, Reason: "UnsupportedAddress",
		Prevents: "an address that no load balancer gives",
		Example:  "addresses: [{type: Hostname, value: a.example.net}]",
		Fix:      "write an IP address, with type: IPAddress",
	}
	// AddressUnusable: addresses that a Service cannot have
	AddressUnusable = Check{
		ID: "address-unusable", Severity: Warn, Reason: "AddressNotUsable",
		Prevents: "addresses that a Service cannot have",
		Example:  "addresses: [{value: 192.168.1.10}, {value: 192.168.1.11}]",
		Fix:      "at most one IPv4 and one IPv6 address",
	}
	// ContradictingAddresses: a Service that is asked for two different addresses
	ContradictingAddresses = Check{
		ID: "contradicting-addresses", Severity: Deny, Reason: "Invalid",
		Prevents: "a Service that is asked for two different addresses",
		Example:  "spec.addresses beside another metallb.io/loadBalancerIPs",
		Fix:      "leave the annotation out, spec.addresses is enough",
	}
	// UnsupportedGatewayField: a field of a Gateway that has no effect in this version
	UnsupportedGatewayField = Check{
		ID: "unsupported-gateway-field", Severity: Warn, Reason: "UnsupportedValue",
		Prevents: "a field of a Gateway that has no effect in this version",
		Example:  "spec.listeners[0].tls.options",
		Fix:      "leave it out",
	}
	// ListenerProtocol: a listener that does not listen
	ListenerProtocol = Check{
		ID: "listener-protocol", Severity: Warn, Reason: "UnsupportedProtocol",
		Prevents: "a listener that does not listen",
		Example:  "protocol: SCTP",
		Fix:      "write HTTP, HTTPS, TLS, TCP or UDP",
	}
	// ListenerTLSMode: a listener that does not listen
	ListenerTLSMode = Check{
		ID: "listener-tls-mode", Severity: Warn, Reason: "UnsupportedValue",
		Prevents: "a listener that does not listen",
		Example:  "tls: {mode: Passthrough} at protocol HTTPS",
		Fix:      "write Terminate, or protocol TLS",
		BySchema: true,
	}
	// ListenerPort: a listener on a port that the data plane needs for itself
	ListenerPort = Check{
		ID: "listener-port", Severity: Warn, Reason: "PortUnavailable",
		Prevents: "a listener on a port that the data plane needs for itself",
		Example:  "port: 29443",
		Fix:      "choose another port",
	}
	// ListenerHostname: a listener that no request reaches
	ListenerHostname = Check{
		ID: "listener-hostname", Severity: Warn, Reason: "UnsupportedValue",
		Prevents: "a listener that no request reaches",
		Example:  `hostname: "*"`,
		Fix:      "leave the hostname out for any",
		BySchema: true,
	}
	// ListenerRouteKind: a listener to which no route of that kind can attach
	ListenerRouteKind = Check{
		ID: "listener-route-kind", Severity: Warn, Reason: "InvalidRouteKinds",
		Prevents: "a listener to which no route of that kind can attach",
		Example:  "allowedRoutes: {kinds: [{kind: TLSRoute}]} at protocol HTTP",
		Fix:      "write a kind that the protocol carries, or leave allowedRoutes.kinds out",
	}
	// ListenerProtocolConflict: two listeners that speak different protocols on one port
	ListenerProtocolConflict = Check{
		ID: "listener-protocol-conflict", Severity: Warn, Reason: "ProtocolConflict",
		Prevents: "two listeners that speak different protocols on one port",
		Example:  "HTTP and HTTPS on port 443, or TCP beside anything but UDP",
		Fix:      "change one of the two",
	}
	// ListenerHostnameConflict: two listeners between which no request can be told
	ListenerHostnameConflict = Check{
		ID: "listener-hostname-conflict", Severity: Warn, Reason: "HostnameConflict",
		Prevents: "two listeners between which no request can be told",
		Example:  "HTTPS and TLS with *.example.net on port 443",
		Fix:      "change one of the two",
	}
	// ListenerTaken: a listener that another object's has come before
	ListenerTaken = Check{
		ID: "listener-taken", Severity: Warn, Reason: "HostnameConflict",
		Prevents: "a listener that another object's has come before",
		Example:  "a ListenerSet with a hostname and a port that its Gateway has",
		Fix:      "change the listener, until then it does not serve",
	}
	// TooManyListeners: a data plane that grows without bound
	TooManyListeners = Check{
		ID: "too-many-listeners", Severity: Warn, Reason: "TooManyListeners",
		Prevents: "a data plane that grows without bound",
		Example:  "nine ListenerSets of 64 listeners for one Gateway",
		Fix:      "share listeners by wildcards, or have a second Gateway",
	}
	// ListenerSetParent: a ListenerSet that nothing serves
	ListenerSetParent = Check{
		ID: "listener-set-parent", Severity: Warn, Reason: "Invalid",
		Prevents: "a ListenerSet that nothing serves",
		Example:  "parentRef: {kind: Service, name: web}",
		Fix:      "write kind: Gateway, or leave group and kind out",
	}
	// ListenerSetNotAllowed: a ListenerSet that the Gateway's owner has not let in
	ListenerSetNotAllowed = Check{
		ID: "listener-set-not-allowed", Severity: Warn, Reason: "NotAllowed",
		Prevents: "a ListenerSet that the Gateway's owner has not let in",
		Example:  "a ListenerSet for a Gateway without spec.allowedListeners",
		Fix:      "write allowedListeners: {namespaces: {from: Same}} into the Gateway's spec",
	}
	// InvalidDuration: a setting that means nothing
	InvalidDuration = Check{
		ID: "invalid-duration", Severity: Deny, Reason: "Invalid",
		Prevents: "a setting that means nothing",
		Example:  "drainTimeout: 1.5d",
		Fix:      "write 90s, 5m or 1h30m for example",
		BySchema: true,
	}
	// GracePeriodTooShort: connections that are cut whenever a pod is replaced
	GracePeriodTooShort = Check{
		ID: "grace-period-too-short", Severity: Deny, Reason: "Invalid",
		Prevents: "connections that are cut whenever a pod is replaced",
		Example:  "terminationGracePeriod: 1s",
		Fix:      "write 15s or more",
	}
	// RequestAboveLimit: a Deployment that the API server refuses
	RequestAboveLimit = Check{
		ID: "request-above-limit", Severity: Deny, Reason: "Invalid",
		Prevents: "a Deployment that the API server refuses",
		Example:  "resources: {requests: {memory: 64Mi}, limits: {memory: 32Mi}}",
		Fix:      "raise the limit or lower the request",
	}
	// RedirectWithoutHTTPS: requests that are served over HTTP though they were to be redirected
	RedirectWithoutHTTPS = Check{
		ID: "redirect-without-https", Severity: Warn, Reason: "NoHTTPSListener",
		Prevents: "requests that are served over HTTP though they were to be redirected",
		Example:  "httpsRedirect: {enabled: true} for a Gateway without an HTTPS listener",
		Fix:      "add a listener of protocol HTTPS with that hostname, or name this one in the GatewayConfig's httpsRedirect.exceptListeners",
	}
	// RedirectedRoute: a route that no request reaches, because its listeners redirect to HTTPS
	RedirectedRoute = Check{
		ID: "redirected-route", Severity: Warn, Reason: "Redirected",
		Prevents: "a route that no request reaches, because its listeners redirect to HTTPS",
		Example:  "parentRefs: [{name: home, sectionName: http}] where httpsRedirect is enabled",
		Fix:      "attach it to the HTTPS listener, too, or name its own one in the GatewayConfig's httpsRedirect.exceptListeners",
	}
	// SharedAddress: one address for several Gateways
	SharedAddress = Check{
		ID: "shared-address", Severity: Deny, Reason: "Invalid",
		Prevents: "one address for several Gateways",
		Example:  "service: {annotations: {metallb.io/loadBalancerIPs: 192.168.1.10}}",
		Fix:      "write it into that Gateway's spec.addresses",
	}
)

func gatewayChecks() []Check {
	return []Check{
		ClassNotAccepted,
		InvalidParameters,
		AddressType,
		AddressUnusable,
		ContradictingAddresses,
		UnsupportedGatewayField,
		ListenerProtocol,
		ListenerTLSMode,
		ListenerPort,
		ListenerHostname,
		ListenerRouteKind,
		ListenerProtocolConflict,
		ListenerHostnameConflict,
		ListenerTaken,
		TooManyListeners,
		ListenerSetParent,
		ListenerSetNotAllowed,
		InvalidDuration,
		GracePeriodTooShort,
		RequestAboveLimit,
		SharedAddress,
		RedirectWithoutHTTPS,
		RedirectedRoute,
	}
}
