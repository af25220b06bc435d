package diagnostic

// The checks of certificates.
var (
	// NoCertificate: an HTTPS listener that can never serve
	NoCertificate = Check{
		ID: "no-certificate", Severity: Deny, Reason: "InvalidCertificateRef",
		Prevents: "an HTTPS listener that can never serve",
		Example:  "protocol: HTTPS without tls.certificateRefs and without an issuer",
		Fix:      "name the Secret of a certificate, annotate the Gateway with cert-manager.io/cluster-issuer, or give its GatewayConfig a certificates.issuerRef",
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
	// IssuerWithoutHostname: a listener for which no certificate can be made yet
	IssuerWithoutHostname = Check{
		ID: "issuer-without-hostname", Severity: Warn, Reason: "BadConfig",
		Prevents: "a listener for which no certificate can be made yet",
		Example:  "a listener without hostname, and no route with one",
		Fix:      "write the hostname, into the listener or into a route",
	}
	// CertificateElsewhere: a Secret that cert-manager does not write
	CertificateElsewhere = Check{
		ID: "certificate-elsewhere", Severity: Warn, Reason: "BadConfig",
		Prevents: "a Secret that cert-manager does not write",
		Example:  "certificateRefs: [{name: tls, namespace: prod}] on a Gateway with an issuer",
		Fix:      "keep the Secret in the Gateway's namespace",
	}
)

// The checks of what cert-manager has to do with certificates.
var (
	// IssuerNotFound: certificates that nobody issues
	IssuerNotFound = Check{
		ID: "issuer-not-found", Severity: Warn, Reason: "IssuerNotFound",
		Prevents: "certificates that nobody issues",
		Example:  "cert-manager.io/cluster-issuer: letsencrpyt-prod",
		Fix:      "create the issuer, or mend its name",
	}
	// IssuerNotReady: certificates that wait without a reason in sight
	IssuerNotReady = Check{
		ID: "issuer-not-ready", Severity: Warn, Reason: "IssuerNotReady",
		Prevents: "certificates that wait without a reason in sight",
		Example:  "a ClusterIssuer whose ACME account could not be registered",
		Fix:      "mend the issuer",
	}
	// IssuerWithoutDNS01: a wildcard certificate that can never be issued
	IssuerWithoutDNS01 = Check{
		ID: "issuer-without-dns01", Severity: Warn, Reason: "IssuerUnable",
		Prevents: "a wildcard certificate that can never be issued",
		Example:  `hostname: "*.example.net" and an issuer with only an HTTP-01 solver`,
		Fix:      "give the issuer a dns01 solver, or each host a listener of its own",
	}
	// IssuerWithoutSolver: a certificate that can never be issued
	IssuerWithoutSolver = Check{
		ID: "issuer-without-solver", Severity: Warn, Reason: "IssuerUnable",
		Prevents: "a certificate that can never be issued",
		Example:  "a solver with selector: {dnsZones: [example.org]} for hostname example.net",
		Fix:      "give the issuer a solver for the name",
	}
	// CertificatePending: a listener that waits without a reason in sight
	CertificatePending = Check{
		ID: "certificate-pending", Severity: Warn, Reason: "InvalidCertificateRef",
		Prevents:   "a listener that waits without a reason in sight",
		Example:    "an Order whose DNS-01 challenge finds no zone",
		Fix:        "mend what the sentence names last",
		StatusOnly: true,
	}
	// CertificateRenewal: an outage on the day when the certificate expires
	CertificateRenewal = Check{
		ID: "certificate-renewal", Severity: Warn, Reason: "CertificateRenewal",
		Prevents:   "an outage on the day when the certificate expires",
		Example:    "a renewal that fails while the old certificate serves",
		Fix:        "mend what the sentence names last",
		StatusOnly: true,
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
		IssuerNotFound,
		IssuerNotReady,
		IssuerWithoutDNS01,
		IssuerWithoutSolver,
		CertificatePending,
		CertificateRenewal,
	}
}
