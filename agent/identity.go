package agent

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gatewright/gatewright/compiler/bundle"
)

var (
	errNoCA          = errors.New("ca.crt has no certificate")
	errNotOperator   = errors.New("the client certificate is not the operator's")
	errNotForClients = errors.New("the client certificate is not for clients")
)

// controlTLS is the configuration of the control API. The identity is read for
// every handshake, so a rotated one is used at once.
func controlTLS(identityDir string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			c, err := handshakeConfig(identityDir)
			if err != nil {
				// A Secret's volume is swapped as a whole, but files are read
				// one by one; the second try sees one version.
				c, err = handshakeConfig(identityDir)
			}
			return c, err
		},
	}
}

func handshakeConfig(dir string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("read the identity: %w", err)
	}
	authority, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the identity: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("read the identity: %w", errNoCA)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{"h2", "http/1.1"},
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool,
		// A resumed session would outlive a change of the authority.
		SessionTicketsDisabled: true,
		VerifyConnection:       verifyOperator,
	}, nil
}

// verifyOperator accepts the operator alone. Every data plane's certificate is
// from the same authority, so the chain by itself proves nothing.
func verifyOperator(s tls.ConnectionState) error {
	if len(s.VerifiedChains) == 0 {
		return errNotOperator
	}
	leaf := s.PeerCertificates[0]
	if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return errNotForClients
	}
	if !slices.Contains(leaf.DNSNames, bundle.OperatorIdentity) {
		return errNotOperator
	}
	return nil
}
