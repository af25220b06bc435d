package diagnostic

// The checks of certificates.
var (
	// NoCertificate: an HTTPS listener that can never serve
	NoCertificate = Check{
		ID: "no-certificate", Severity: Deny, Reason: "InvalidCertificateRef",
		Prevents: "an HTTPS listener that can never serve",
		Example:  "protocol: HTTPS without tls.certificateRefs and without an issuer",
		Fix:      "name the Secret of a certificate, or annotate the Gateway with cert-manager.io/cluster-issuer",
	}
	// CertificateKind: a certificate that is not there
	CertificateKind = Check{
		ID: "certificate-kind", Severity: Warn, Reason: "InvalidCertificateRef",
		Prevents: "a certificate that is not there",
		Example:  "certificateRefs: [{kind: ConfigMap, name: a}]",
		Fix:      "refer to a Secret",
	}
	// CertificateNotFound: a listener that does not serve yet
	CertificateNotFound = Check{
		ID: "certificate-not-found", Severity: Warn, Reason: "InvalidCertificateRef",
		Prevents:   "a listener that does not serve yet",
		Example:    "certificateRefs: [{name: missing-tls}]",
		Fix:        "create the Secret, or wait for cert-manager",
		StatusOnly: true,
	}
	// MalformedCertificate: a certificate that nginx cannot load
	MalformedCertificate = Check{
		ID: "malformed-certificate", Severity: Warn, Reason: "InvalidCertificateRef",
		Prevents:   "a certificate that nginx cannot load",
		Example:    "a Secret with somebody else's tls.key",
		Fix:        "put a certificate chain and its key into the Secret",
		StatusOnly: true,
	}
	// CertificateNotPermitted: a certificate of another namespace whose owner has not agreed
	CertificateNotPermitted = Check{
		ID: "certificate-not-permitted", Severity: Warn, Reason: "RefNotPermitted",
		Prevents: "a certificate of another namespace whose owner has not agreed",
		Example:  "certificateRefs: [{name: tls, namespace: prod}]",
		Fix:      "create a ReferenceGrant in the Secret's namespace",
	}
	// HostnameNotCovered: a warning in every browser
	HostnameNotCovered = Check{
		ID: "hostname-not-covered", Severity: Warn, Reason: "HostnameNotCovered",
		Prevents:   "a warning in every browser",
		Example:    "a certificate for example.org at hostname example.net",
		Fix:        "issue the certificate for the hostname",
		StatusOnly: true,
	}
	// TwoIssuers: a Gateway for which cert-manager makes no certificate
	TwoIssuers = Check{
		ID: "two-issuers", Severity: Warn, Reason: "BadConfig",
		Prevents: "a Gateway for which cert-manager makes no certificate",
		Example:  "cert-manager.io/issuer beside cert-manager.io/cluster-issuer",
		Fix:      "leave one of them out",
	}
	// IssuerWithoutHostname: a listener for which cert-manager makes no certificate
	IssuerWithoutHostname = Check{
		ID: "issuer-without-hostname", Severity: Warn, Reason: "BadConfig",
		Prevents: "a listener for which cert-manager makes no certificate",
		Example:  "a listener without hostname on a Gateway with an issuer",
		Fix:      "write the hostname",
	}
	// CertificateElsewhere: a Secret that cert-manager does not write
	CertificateElsewhere = Check{
		ID: "certificate-elsewhere", Severity: Warn, Reason: "BadConfig",
		Prevents: "a Secret that cert-manager does not write",
		Example:  "certificateRefs: [{name: tls, namespace: prod}] on a Gateway with an issuer",
		Fix:      "keep the Secret in the Gateway's namespace",
	}
)

func certificateChecks() []Check {
	return []Check{
		NoCertificate,
		CertificateKind,
		CertificateNotFound,
		MalformedCertificate,
		CertificateNotPermitted,
		HostnameNotCovered,
		TwoIssuers,
		IssuerWithoutHostname,
		CertificateElsewhere,
	}
}
