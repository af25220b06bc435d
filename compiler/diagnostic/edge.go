package diagnostic

// The checks of CORS and RequestMirror filters.
var (
	// InvalidCORS: a list that browsers take for something else
	InvalidCORS = Check{
		ID: "invalid-cors", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a list that browsers take for something else",
		Example:  `allowMethods: ["*", GET]`,
		Fix:      `write "*" alone, or names`,
		BySchema: true,
	}
	// InvalidCORSOrigin: a web site that no browser names so, and that therefore would be kept out
	InvalidCORSOrigin = Check{
		ID: "invalid-cors-origin", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a web site that no browser names so, and that therefore would be kept out",
		Example:  `allowOrigins: ["https://www-.example.net"]`,
		Fix:      "write https://www.example.net or https://*.example.net for example",
	}
	// CORSWithoutOrigins: a CORS filter that lets no web site in
	CORSWithoutOrigins = Check{
		ID: "cors-without-origins", Severity: Warn, Reason: "NoOrigins",
		Prevents: "a CORS filter that lets no web site in",
		Example:  "cors: {allowMethods: [GET]}",
		Fix:      `name web sites in allowOrigins, or write "*" for all`,
	}
	// CORSExposesNothing: exposed headers that browsers do not show
	CORSExposesNothing = Check{
		ID: "cors-exposes-nothing", Severity: Warn, Reason: "NotExposed",
		Prevents: "exposed headers that browsers do not show",
		Example:  `cors: {allowCredentials: true, exposeHeaders: ["*"]}`,
		Fix:      "name the headers, or leave allowCredentials out",
	}
	// InvalidMirrorShare: a share of the requests that is none
	InvalidMirrorShare = Check{
		ID: "invalid-mirror-share", Severity: Deny, Reason: "UnsupportedValue",
		Prevents: "a share of the requests that is none",
		Example:  "requestMirror: {percent: 120}",
		Fix:      "write percent from 0 to 100, or a fraction up to 1",
		BySchema: true,
	}
)

// The checks of client certificates.
var (
	// ClientAuthorityKind: an authority that is not there
	ClientAuthorityKind = Check{
		ID: "client-authority-kind", Severity: Warn, Reason: "InvalidCACertificateKind",
		Prevents: "an authority that is not there",
		Example:  `caCertificateRefs: [{group: "", kind: Service, name: a}]`,
		Fix:      "refer to a ConfigMap",
	}
	// ClientAuthorityNotPermitted: an authority of another namespace whose owner has not agreed
	ClientAuthorityNotPermitted = Check{
		ID: "client-authority-not-permitted", Severity: Warn, Reason: "RefNotPermitted",
		Prevents: "an authority of another namespace whose owner has not agreed",
		Example:  `caCertificateRefs: [{group: "", kind: ConfigMap, name: ca, namespace: prod}]`,
		Fix:      "create a ReferenceGrant in the ConfigMap's namespace",
	}
	// ClientAuthorityNotFound: a listener that lets in nobody, or not everybody whom it should
	ClientAuthorityNotFound = Check{
		ID: "client-authority-not-found", Severity: Warn, Reason: "InvalidCACertificateRef",
		Prevents:   "a listener that lets in nobody, or not everybody whom it should",
		Example:    `caCertificateRefs: [{group: "", kind: ConfigMap, name: missing}]`,
		Fix:        "create the ConfigMap, with the authority's certificate as ca.crt",
		StatusOnly: true,
	}
	// MalformedClientAuthority: an authority that nginx cannot load
	MalformedClientAuthority = Check{
		ID: "malformed-client-authority", Severity: Warn, Reason: "InvalidCACertificateRef",
		Prevents:   "an authority that nginx cannot load",
		Example:    "a ConfigMap without ca.crt",
		Fix:        "put certificates, and nothing else, into ca.crt",
		StatusOnly: true,
	}
	// NoClientAuthority: a listener that would let in everybody though it asks for certificates
	NoClientAuthority = Check{
		ID: "no-client-authority", Severity: Warn, Reason: "NoValidCACertificate",
		Prevents:   "a listener that would let in everybody though it asks for certificates",
		Example:    "caCertificateRefs that all lead nowhere",
		Fix:        "until there is one, the listener stays closed",
		StatusOnly: true,
	}
)

func edgeChecks() []Check {
	return []Check{
		InvalidCORS,
		InvalidCORSOrigin,
		CORSWithoutOrigins,
		CORSExposesNothing,
		InvalidMirrorShare,
		ClientAuthorityKind,
		ClientAuthorityNotPermitted,
		ClientAuthorityNotFound,
		MalformedClientAuthority,
		NoClientAuthority,
	}
}
