// Package pki makes the certificates, keys and kubeconfigs of a cluster that
// lives for hours: one CA, one key per component, no rotation.
//
// In: subjects and addresses. Out: PEM files in a folder. It must not know
// which component uses which file.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime of all certificates. The start is put back by clockSkew.
const (
	lifetime  = 365 * 24 * time.Hour
	clockSkew = time.Hour
)

// Authority is a CA that writes what it issues to a folder.
type Authority struct {
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// NewAuthority makes a CA and writes ca.crt and ca.key to dir.
func NewAuthority(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of certificates: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the CA's key: %w", err)
	}
	template, err := newTemplate(pkix.Name{CommonName: "cluster-ca"})
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the CA's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse the CA's certificate: %w", err)
	}
	authority := &Authority{dir: dir, certificate: certificate, key: key, pem: pemBlock("CERTIFICATE", der)}
	return authority, authority.write("ca", key, authority.pem)
}

func newTemplate(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: now.Add(-clockSkew), NotAfter: now.Add(lifetime)}, nil
}

// Server issues a serving certificate as name.crt and name.key. Hosts that
// parse as IP addresses become IP SANs.
func (a *Authority) Server(name string, hosts ...string) error {
	template, err := newTemplate(pkix.Name{CommonName: name})
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.issue(name, template)
}

// Client issues a client certificate as name.crt and name.key. Kubernetes
// takes the user from the common name and its groups from the organizations.
func (a *Authority) Client(name, user string, groups ...string) error {
	template, err := newTemplate(pkix.Name{CommonName: user, Organization: groups})
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(name, template)
}

// SigningKey writes a bare key pair's private half as name.key: the API server
// signs ServiceAccount tokens with it.
func (a *Authority) SigningKey(name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key %s: %w", name, err)
	}
	return a.write(name, key, nil)
}

func (a *Authority) issue(name string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key %s: %w", name, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("make certificate %s: %w", name, err)
	}
	return a.write(name, key, pemBlock("CERTIFICATE", der))
}

func (a *Authority) write(name string, key *ecdsa.PrivateKey, certificate []byte) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode key %s: %w", name, err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, name+".key"), pemBlock("EC PRIVATE KEY", der), 0o600); err != nil {
		return fmt.Errorf("write key %s: %w", name, err)
	}
	if certificate == nil {
		return nil
	}
	if err := os.WriteFile(filepath.Join(a.dir, name+".crt"), certificate, 0o644); err != nil {
		return fmt.Errorf("write certificate %s: %w", name, err)
	}
	return nil
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Kubeconfig returns a self-contained kubeconfig for the API server at the
// https URL server, with the client certificate that was issued as name into
// the folder dir.
func Kubeconfig(dir, name, server string) ([]byte, error) {
	encoded := map[string]string{}
	for _, file := range []string{"ca.crt", name + ".crt", name + ".key"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, fmt.Errorf("make a kubeconfig for %s: %w", name, err)
		}
		encoded[file] = base64.StdEncoding.EncodeToString(content)
	}
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: gatewright
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %s
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: gatewright
  context: {cluster: gatewright, user: %s}
current-context: gatewright
`, server, encoded["ca.crt"], name, encoded[name+".crt"], encoded[name+".key"], name), nil
}
