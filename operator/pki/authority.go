package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// authorityValidity is long: a change of the authority makes every identity
// void at once.
const authorityValidity = 10 * 365 * 24 * time.Hour

// clockSkew is how far a node's clock may lag behind the operator's.
const clockSkew = time.Hour

var (
	errNotAuthority = errors.New("the certificate is not an authority's")
)

// Authority issues certificates. Its zero value is of no use.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pair        Pair
}

// Pair is a certificate and its private key, in PEM.
type Pair struct {
	Certificate []byte
	Key         []byte
}

// NewAuthority returns a new authority with a key of its own (ECDSA P-256).
func NewAuthority(name string, now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority's key: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(authorityValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	pair, err := sign(template, template, key, key)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	return ParseAuthority(pair)
}

// ParseAuthority reads what an authority's Pair returned.
func ParseAuthority(pair Pair) (*Authority, error) {
	whole, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	key, ok := whole.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !whole.Leaf.IsCA {
		return nil, fmt.Errorf("read the authority: %w", errNotAuthority)
	}
	return &Authority{certificate: whole.Leaf, key: key, pair: pair}, nil
}

// Pair returns the authority's own certificate and key.
func (a *Authority) Pair() Pair { return a.pair }

// Pool returns the authority as the only root.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// RenewAt is when the authority itself is to be replaced.
func (a *Authority) RenewAt() time.Time { return renewAt(a.certificate) }

// Request describes a certificate to issue.
type Request struct {
	// DNSNames, at least one.
	DNSNames []string
	// Usage is the one thing that the certificate is good for.
	Usage    x509.ExtKeyUsage
	Now      time.Time
	Validity time.Duration
}

// Issue makes a new key and a certificate for it.
func (a *Authority) Issue(r Request) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make a key for %s: %w", r.DNSNames[0], err)
	}
	template := &x509.Certificate{
		// The name may be longer than a common name can be: only SANs count.
		Subject:               pkix.Name{Organization: []string{"gatewright"}},
		DNSNames:              r.DNSNames,
		NotBefore:             r.Now.Add(-clockSkew),
		NotAfter:              r.Now.Add(r.Validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{r.Usage},
		BasicConstraintsValid: true,
	}
	pair, err := sign(template, a.certificate, key, a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("issue a certificate for %s: %w", r.DNSNames[0], err)
	}
	return pair, nil
}

// Check verifies that the pair is one that the request would give: by this
// authority, for these names and this use. It returns when to renew it (two
// thirds through its validity).
func (a *Authority) Check(pair Pair, r Request) (time.Time, error) {
	whole, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return time.Time{}, fmt.Errorf("check a certificate for %s: %w", r.DNSNames[0], err)
	}
	for _, name := range r.DNSNames {
		_, err := whole.Leaf.Verify(x509.VerifyOptions{
			DNSName: name, Roots: a.Pool(), CurrentTime: r.Now, KeyUsages: []x509.ExtKeyUsage{r.Usage},
		})
		if err != nil {
			return time.Time{}, fmt.Errorf("check a certificate for %s: %w", name, err)
		}
	}
	return renewAt(whole.Leaf), nil
}

func renewAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 3 * 2)
}

// sign completes the template and returns it with the subject's key.
func sign(template, parent *x509.Certificate, subject, issuer *ecdsa.PrivateKey) (Pair, error) {
	// 127 random bits: the CA/Browser Forum asks for 64, RFC 5280 allows 159.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return Pair{}, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, subject.Public(), issuer)
	if err != nil {
		return Pair{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(subject)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}, nil
}
