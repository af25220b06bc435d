package corpus

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// encryptedAnnotation has the endpoints of an EndpointSlice speak TLS, with a
// certificate of the authority that it names first, for the hostnames and URIs
// that follow; without any, with the authority's own.
const encryptedAnnotation = "test.gatewright.dev/tls"

// askingAnnotation has those endpoints ask for a certificate of the authority.
const askingAnnotation = "test.gatewright.dev/tls-client"

// encryptedBackends are the endpoints that speak TLS, by address.
func encryptedBackends(s snapshot.Snapshot) (map[string]*tls.Config, error) {
	configs := map[string]*tls.Config{}
	for _, slice := range s.EndpointSlices.All() {
		words := strings.Fields(slice.Annotations[encryptedAnnotation])
		if len(words) == 0 {
			continue
		}
		config, err := backendConfig(words[0], words[1:], slice.Annotations[askingAnnotation])
		if err != nil {
			return nil, err
		}
		for _, e := range slice.Endpoints {
			for _, address := range e.Addresses {
				configs[address] = config
			}
		}
	}
	return configs, nil
}

func backendConfig(of string, names []string, asks string) (*tls.Config, error) {
	certificate, err := backendCertificate(of, names)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	if asks != "" {
		trusted, err := newAuthority(asks)
		if err != nil {
			return nil, err
		}
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(trusted.certificate)
	}
	return config, nil
}

func backendCertificate(of string, names []string) (tls.Certificate, error) {
	a, err := newAuthority(of)
	if err != nil {
		return tls.Certificate{}, err
	}
	if len(names) == 0 {
		return tls.Certificate{Certificate: [][]byte{a.certificate.Raw}, PrivateKey: a.key}, nil
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3),
		Subject:      pkix.Name{CommonName: "backend"},
		NotBefore:    firstCreation,
		NotAfter:     a.certificate.NotAfter,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		u, err := url.Parse(name)
		switch {
		case err != nil:
			return tls.Certificate{}, fmt.Errorf("read a name of a backend: %w", err)
		case u.Scheme != "":
			template.URIs = append(template.URIs, u)
		default:
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, a.key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a backend's certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, nil
}

// issueForClient puts a client's certificate of the authority into the Secret.
func issueForClient(secret *corev1.Secret, of string) error {
	certificate, err := clientCertificate(of)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return fmt.Errorf("encode a key: %w", err)
	}
	secret.Type = corev1.SecretTypeTLS
	secret.Data[corev1.TLSCertKey] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	secret.Data[corev1.TLSPrivateKeyKey] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	return nil
}

// encrypting speaks TLS at the addresses that it has a configuration for.
type encrypting struct {
	net.Listener
	configs map[string]*tls.Config
}

// Accept implements net.Listener.
func (l encrypting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if local, ok := c.LocalAddr().(*net.TCPAddr); ok {
		if config := l.configs[local.IP.String()]; config != nil {
			return tls.Server(c, config), nil
		}
	}
	return &sniffed{Conn: c}, nil
}

// encryption words what a backend knows of a connection by TLS; empty for plain
// text.
func encryption(c *tls.ConnectionState) string {
	if c == nil {
		return ""
	}
	words := fmt.Sprintf("by TLS for %q", c.ServerName)
	if len(c.PeerCertificates) > 0 {
		words += " from " + c.PeerCertificates[0].Subject.CommonName
	}
	return words
}
