package corpus

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// authority signs the certificates of clients. Its key follows from its name, so
// that it is the same in every run, and so are the names of files that follow
// from its certificate. One whose name is a hostname is a self-signed certificate
// for that host instead. Authorities "a@1" and "a@2" have one subject.
type authority struct {
	key         ed25519.PrivateKey
	certificate *x509.Certificate
	pem         []byte
}

func newAuthority(name string) (authority, error) {
	seed := sha256.Sum256([]byte(name))
	subject, _, _ := strings.Cut(name, "@")
	a := authority{key: ed25519.NewKeyFromSeed(seed[:])}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: subject},
		NotBefore:             firstCreation,
		NotAfter:              firstCreation.Add(100 * 365 * 24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	if strings.Contains(subject, ".") {
		// A backend's own certificate, which nobody else has signed.
		template.DNSNames, template.IsCA, template.KeyUsage = []string{subject}, false, x509.KeyUsageDigitalSignature
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		return authority{}, fmt.Errorf("make authority %q: %w", name, err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		return authority{}, fmt.Errorf("make authority %q: %w", name, err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a, nil
}

// clientCertificate returns a certificate of the authority that is named, or
// one that has expired where "/expired" follows the name.
func clientCertificate(of string) (*tls.Certificate, error) {
	name, expired := strings.CutSuffix(of, "/expired")
	a, err := newAuthority(name)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "client"},
		NotBefore:    firstCreation,
		NotAfter:     a.certificate.NotAfter,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if expired {
		template.NotAfter = firstCreation.Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, a.key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("make a client's certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, nil
}
