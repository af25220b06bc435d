package graph_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

// certificateFor makes a certificate with its key.
func certificateFor(t *testing.T, names ...string) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
}

func TestOnlyACertificateWithItsOwnKeyIsServed(t *testing.T) {
	t.Parallel()
	certificate, key := certificateFor(t, "*.example.com")
	_, foreign := certificateFor(t, "*.example.com")
	params := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 1, 1}})
	tests := map[string]struct {
		certificate, key []byte
		message          string
	}{
		"as cert-manager writes it":     {certificate: certificate, key: key},
		"with text and parameters":      {certificate: append([]byte("friendly name: x;}\n"), certificate...), key: append(params, key...)},
		"a chain":                       {certificate: append(bytes.Clone(certificate), certificate...), key: key},
		"the key of another":            {certificate: certificate, key: foreign, message: "does not match"},
		"no key":                        {certificate: certificate, message: "tls.key is empty"},
		"nothing":                       {message: "tls.crt is empty"},
		"what is no PEM":                {certificate: []byte("Hello world\n"), key: []byte("Hello world\n"), message: "failed to find any PEM data"},
		"the certificate for a key too": {certificate: certificate, key: certificate, message: "found a certificate rather than a key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := &corev1.Secret{Data: map[string][]byte{"tls.crt": test.certificate, "tls.key": test.key}}
			secret.Namespace, secret.Name = "infra", "c"
			s := snapshotOf(append(objects(t, base), append(objects(t, `
kind: Gateway
metadata: {namespace: infra, name: g}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: l, port: 443, protocol: HTTPS, hostname: a.example.com, tls: {certificateRefs: [{name: gone}, {name: c}]}}`), secret)...)...)
			l := listener(t, graph.Build(s), "l")
			if l.ResolvedRefs.True || !strings.Contains(l.ResolvedRefs.Message, `Secret "gone" not found`) ||
				!strings.Contains(l.ResolvedRefs.Message, test.message) {
				t.Errorf("resolved: %+v", l.ResolvedRefs)
			}
			if test.message != "" {
				if l.Serves() {
					t.Error("it serves")
				}
				return
			}
			// One good certificate is enough to serve.
			if !l.Serves() || len(l.Certificates) != 1 {
				t.Fatalf("listener %+v", l)
			}
			out := l.Certificates[0].PEM
			if _, err := tls.X509KeyPair(out, out); err != nil {
				t.Error(err)
			}
			if !bytes.HasPrefix(out, []byte("-----BEGIN CERTIFICATE-----")) || bytes.Contains(out, []byte("friendly")) || bytes.Contains(out, []byte("PARAMETERS")) {
				t.Errorf("more than certificates and key:\n%s", out)
			}
		})
	}
}

func TestACertificateForOtherNamesIsToldAndServed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hostname string
		names    []string
		fits     bool
	}{
		"the hostname itself":         {"a.example.com", []string{"a.example.com"}, true},
		"a wildcard above it":         {"a.example.com", []string{"b.com", "*.example.com"}, true},
		"the same wildcard":           {"*.example.com", []string{"*.Example.com"}, true},
		"a wildcard is for one label": {"a.b.example.com", []string{"*.example.com"}, false},
		"another name":                {"a.example.com", []string{"b.example.com"}, false},
		"one name for a wildcard":     {"*.example.com", []string{"a.example.com"}, false},
		"no name at all":              {"a.example.com", nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate, key := certificateFor(t, test.names...)
			secret := &corev1.Secret{Data: map[string][]byte{"tls.crt": certificate, "tls.key": key}}
			secret.Namespace, secret.Name = "infra", "c"
			g := graph.Build(snapshotOf(append(objects(t, base), append(objects(t, `
kind: Gateway
metadata: {namespace: infra, name: g}
spec:
  gatewayClassName: gatewright
  listeners: [{name: l, port: 443, protocol: HTTPS, hostname: '`+test.hostname+`', tls: {certificateRefs: [{name: c}]}}]`), secret)...)...))
			if l := listener(t, g, "l"); !l.Serves() || !l.ResolvedRefs.True {
				t.Errorf("resolved: %+v", l.ResolvedRefs)
			}
			if warned := said(g, diagnostic.Warn); (len(warned) == 0) != test.fits {
				t.Errorf("warned: %q", warned)
			}
		})
	}
}
