package webhooks

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Caller says who may ask: the API server has to show a client certificate. The
// zero value lets everybody ask who reaches the port, which a plain cluster has
// no way to prevent: an API server shows a certificate only where its
// AdmissionConfiguration has one for its webhooks.
type Caller struct {
	// CA is a file with the certificates of the authorities that may have signed
	// the caller's. It is read anew for each connection.
	CA string
	// Names are those of which the certificate must have one, as common name or
	// DNS name; any will do where there are none.
	Names []string
}

// restrict makes the server ask for the certificate.
func (c Caller) restrict(config *tls.Config) {
	if c.CA == "" {
		return
	}
	// The authorities may change, so VerifyConnection looks for them itself.
	config.ClientAuth = tls.RequireAnyClientCert
	config.VerifyConnection = c.verify
}

var errUnknownCaller = errors.New("the certificate is for none of the allowed names")

func (c Caller) verify(state tls.ConnectionState) error {
	authorities, err := os.ReadFile(c.CA)
	if err != nil {
		return fmt.Errorf("read the authorities of callers: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authorities) {
		return fmt.Errorf("%s has no certificate of an authority", c.CA)
	}
	intermediates := x509.NewCertPool()
	for _, between := range state.PeerCertificates[1:] {
		intermediates.AddCert(between)
	}
	leaf := state.PeerCertificates[0]
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return fmt.Errorf("verify the caller's certificate: %w", err)
	}
	if len(c.Names) == 0 || slices.ContainsFunc(append(slices.Clone(leaf.DNSNames), leaf.Subject.CommonName), func(name string) bool {
		return slices.Contains(c.Names, name)
	}) {
		return nil
	}
	return errUnknownCaller
}
