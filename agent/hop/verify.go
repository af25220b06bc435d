package hop

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var errNoMatchingName = errors.New("the backend's certificate has none of the subject alternative names asked for")

// names are subject alternative names, of which a certificate must have one.
type names struct {
	dns  []string
	uris []string
}

// verify returns the check of a connection for the names, in place of Go's own
// check for the server name. It runs for resumed sessions as well.
func (n names) verify(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(c tls.ConnectionState) error {
		if len(c.PeerCertificates) == 0 {
			return errors.New("the backend has shown no certificate")
		}
		leaf := c.PeerCertificates[0]
		options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, certificate := range c.PeerCertificates[1:] {
			options.Intermediates.AddCert(certificate)
		}
		if _, err := leaf.Verify(options); err != nil {
			return fmt.Errorf("verify the backend's certificate: %w", err)
		}
		if !n.match(leaf) {
			return errNoMatchingName
		}
		return nil
	}
}

func (n names) match(leaf *x509.Certificate) bool {
	return slices.ContainsFunc(n.dns, func(name string) bool { return matchDNS(leaf, name) }) ||
		slices.ContainsFunc(n.uris, func(text string) bool { return matchURI(leaf, text) })
}

// matchDNS tells whether the certificate is for the name. A name "*.x" is
// matched by itself and by every name with one label before x.
func matchDNS(leaf *x509.Certificate, name string) bool {
	parent, wildcard := strings.CutPrefix(name, "*.")
	if !wildcard {
		return leaf.VerifyHostname(name) == nil
	}
	return slices.ContainsFunc(leaf.DNSNames, func(have string) bool {
		_, rest, ok := strings.Cut(have, ".")
		return ok && strings.EqualFold(rest, parent)
	})
}

// matchURI compares whole URIs; how a URI is written matters but for what
// parsing evens out, such as the case of its scheme.
func matchURI(leaf *x509.Certificate, text string) bool {
	want := text
	if parsed, err := url.Parse(text); err == nil {
		want = parsed.String()
	}
	return slices.ContainsFunc(leaf.URIs, func(have *url.URL) bool { return have.String() == want })
}
