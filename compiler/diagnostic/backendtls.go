package diagnostic

// The checks of TLS to backends.
var (
	// BackendTLSAuthorityKind: authorities of a backend that nobody can read
	BackendTLSAuthorityKind = Check{
		ID: "backend-tls-authority-kind", Severity: Warn, Reason: "InvalidKind",
		Prevents: "authorities of a backend that nobody can read",
		Example:  "caCertificateRefs: [{group: apps, kind: Deployment, name: a}]",
		Fix:      `write group: "", kind: ConfigMap`,
	}
	// BackendTLSAuthorityNotFound: a backend whose certificate nobody can check
	BackendTLSAuthorityNotFound = Check{
		ID: "backend-tls-authority-not-found", Severity: Warn, Reason: "InvalidCACertificateRef",
		Prevents:   "a backend whose certificate nobody can check",
		Example:    `caCertificateRefs: [{group: "", kind: ConfigMap, name: missing}]`,
		Fix:        "create it with the authority's certificate as ca.crt, in the policy's namespace",
		StatusOnly: true,
	}
	// MalformedBackendTLSAuthority: a backend whose certificate nobody can check, or a key that lies around
	MalformedBackendTLSAuthority = Check{
		ID: "malformed-backend-tls-authority", Severity: Warn, Reason: "InvalidCACertificateRef",
		Prevents:   "a backend whose certificate nobody can check, or a key that lies around",
		Example:    "a ConfigMap without ca.crt, or with a private key in it",
		Fix:        "put the authorities' certificates, as PEM and nothing else, into ca.crt",
		StatusOnly: true,
	}
	// NoBackendTLSAuthority: a backend that answers 500, as nobody can check its certificate
	NoBackendTLSAuthority = Check{
		ID: "no-backend-tls-authority", Severity: Warn, Reason: "NoValidCACertificate",
		Prevents:   "a backend that answers 500, as nobody can check its certificate",
		Example:    "caCertificateRefs of which none can be read",
		Fix:        "write caCertificateRefs to a ConfigMap with ca.crt, or wellKnownCACertificates: System",
		StatusOnly: true,
	}
	// UnknownAuthorities: a backend that answers 500, as nobody can check its certificate
	UnknownAuthorities = Check{
		ID: "unknown-authorities", Severity: Warn, Reason: "Invalid",
		Prevents: "a backend that answers 500, as nobody can check its certificate",
		Example:  "wellKnownCACertificates: example.com/all",
		Fix:      "write wellKnownCACertificates: System, or caCertificateRefs",
	}
	// InvalidBackendTLSName: a backend that answers 500, as no certificate has such a name
	InvalidBackendTLSName = Check{
		ID: "invalid-backend-tls-name", Severity: Deny, Reason: "Invalid",
		Prevents: "a backend that answers 500, as no certificate has such a name",
		Example:  "hostname: 192.168.1.10",
		Fix:      "write a hostname like backend.example.net, or a URI like spiffe://example.net/backend",
	}
	// UnsupportedPolicyField: an option without effect
	UnsupportedPolicyField = Check{
		ID: "unsupported-policy-field", Severity: Warn, Reason: "UnsupportedValue",
		Prevents: "an option without effect",
		Example:  "options: {example.com/minimum-version: \"1.3\"}",
		Fix:      "leave it out",
	}
	// InvalidBackendTLS: requests to a backend whose certificate cannot be checked
	InvalidBackendTLS = Check{
		ID: "invalid-backend-tls", Severity: Warn, Reason: "InvalidBackendTLS",
		Prevents:   "requests to a backend whose certificate cannot be checked",
		Example:    "a backend whose BackendTLSPolicy is not accepted",
		Fix:        "mend the BackendTLSPolicy",
		StatusOnly: true,
	}
	// BackendTLSWithoutPolicy: plain text to a port that speaks TLS
	BackendTLSWithoutPolicy = Check{
		ID: "backend-tls-without-policy", Severity: Warn, Reason: "UnsupportedProtocol",
		Prevents: "plain text to a port that speaks TLS",
		Example:  "appProtocol: https, and no BackendTLSPolicy",
		Fix:      "write a BackendTLSPolicy that says whose certificate to trust",
	}
	// ClientCertificateKind: a certificate for backends that is not there
	ClientCertificateKind = Check{
		ID: "client-certificate-kind", Severity: Warn, Reason: "InvalidClientCertificateRef",
		Prevents: "a certificate for backends that is not there",
		Example:  "clientCertificateRef: {kind: ConfigMap, name: a}",
		Fix:      `write group: "", kind: Secret`,
	}
	// ClientCertificateUnusable: backends that refuse the Gateway, as it shows them no certificate
	ClientCertificateUnusable = Check{
		ID: "client-certificate-unusable", Severity: Warn, Reason: "InvalidClientCertificateRef",
		Prevents:   "backends that refuse the Gateway, as it shows them no certificate",
		Example:    "clientCertificateRef: {name: missing}",
		Fix:        "put a certificate chain and its key into the Secret",
		StatusOnly: true,
	}
)

func backendTLSChecks() []Check {
	return []Check{
		BackendTLSAuthorityKind,
		BackendTLSAuthorityNotFound,
		MalformedBackendTLSAuthority,
		NoBackendTLSAuthority,
		UnknownAuthorities,
		InvalidBackendTLSName,
		UnsupportedPolicyField,
		InvalidBackendTLS,
		BackendTLSWithoutPolicy,
		ClientCertificateKind,
		ClientCertificateUnusable,
	}
}
