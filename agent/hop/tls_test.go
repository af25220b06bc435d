package hop_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// authority signs certificates for one test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue returns a certificate with the names, and its key, as one PEM file.
func (a *authority) issue(t *testing.T, dns []string, uris ...string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: dns,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	encodedKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	_ = pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: encodedKey})
	return out.Bytes()
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.pem)
	return pool
}

// tlsBackend answers with the protocol, the server name and the client's names.
func tlsBackend(t *testing.T, certificate []byte, complete func(*tls.Config)) string {
	t.Helper()
	pair, err := tls.X509KeyPair(certificate, certificate)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			client = r.TLS.PeerCertificates[0].DNSNames[0]
		}
		if r.URL.Path == "/close" {
			w.Header().Set("Connection", "close")
		}
		fmt.Fprintf(w, "%s to %s from %s", r.Proto, r.TLS.ServerName, client)
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if complete != nil {
		complete(server.TLS)
	}
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(t.Output(), nil), slog.LevelInfo)
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// overTLS is a bundle whose backend is spoken to by TLS.
func overTLS(a *authority, settings bundle.HopTLS, address string) bundle.Bundle {
	b := simple(func(r *bundle.HopRule) { r.Backends[0].TLS = &settings }, address)
	if a != nil {
		settings.CA = "ca/test.pem"
		b.Files = []bundle.File{{Path: "ca/test.pem", Data: a.pem}}
	}
	return b
}

func TestCertificateOfABackend(t *testing.T) {
	t.Parallel()
	const other = "www.example.com"
	for name, test := range map[string]struct {
		dns, uris []string
		settings  bundle.HopTLS
		status    int
	}{
		"is accepted if it is for the hostname": {
			dns: []string{"abc.example.com"}, settings: bundle.HopTLS{Hostname: "abc.example.com"}, status: 200},
		"is refused if it is for another": {
			dns: []string{other}, settings: bundle.HopTLS{Hostname: "abc.example.com"}, status: 502},
		"is accepted with one of the names asked for, whatever the hostname": {
			dns:      []string{other},
			settings: bundle.HopTLS{Hostname: "abc.example.com", DNSNames: []string{"no.example.com", other}}, status: 200},
		"is refused without those names, even if it is for the hostname": {
			dns:      []string{"abc.example.com"},
			settings: bundle.HopTLS{Hostname: "abc.example.com", DNSNames: []string{other}}, status: 502},
		"is accepted with a wildcard for a name asked for": {
			dns:      []string{"*.example.com"},
			settings: bundle.HopTLS{Hostname: "abc.example.com", DNSNames: []string{other}}, status: 200},
		"is accepted with a name below a wildcard asked for": {
			dns:      []string{other},
			settings: bundle.HopTLS{Hostname: "abc.example.com", DNSNames: []string{"*.example.com"}}, status: 200},
		"is refused with a name two labels below a wildcard asked for": {
			dns:      []string{"a.b.example.com"},
			settings: bundle.HopTLS{Hostname: "abc.example.com", DNSNames: []string{"*.example.com"}}, status: 502},
		"is accepted with one of the URIs asked for": {
			uris:     []string{"spiffe://cluster/ns/a/sa/b"},
			settings: bundle.HopTLS{Hostname: "abc.example.com", URIs: []string{"spiffe://x", "spiffe://cluster/ns/a/sa/b"}}, status: 200},
		"is refused with another URI": {
			uris:     []string{"spiffe://cluster/ns/a/sa/bb"},
			settings: bundle.HopTLS{Hostname: "abc.example.com", URIs: []string{"spiffe://cluster/ns/a/sa/b"}}, status: 502},
		"is accepted with a URI where names and URIs are asked for": {
			dns: []string{"no.example.com"}, uris: []string{"spiffe://a"},
			settings: bundle.HopTLS{Hostname: "abc.example.com", DNSNames: []string{other}, URIs: []string{"spiffe://a"}}, status: 200},
		"is not accepted for a name in place of a URI": {
			dns:      []string{"a"},
			settings: bundle.HopTLS{Hostname: "a", URIs: []string{"a"}}, status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, a := newRig(t), newAuthority(t)
			r.use(overTLS(a, test.settings, tlsBackend(t, a.issue(t, test.dns, test.uris...), nil)))
			for range 2 { // the second time with a resumed session or connection
				got := r.get("/").want(t, test.status)
				if want := "HTTP/1.1 to " + test.settings.Hostname + " from nobody"; got.status == 200 && got.body != want {
					t.Errorf("answered %q, want %q", got.body, want)
				}
			}
		})
	}
}

func TestCertificateOfAnotherAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]bundle.HopTLS{
		"by hostname":            {Hostname: "abc.example.com"},
		"by subject alternative": {Hostname: "abc.example.com", DNSNames: []string{"abc.example.com"}},
	} {
		for trusted, ours := range map[string]*authority{"another authority": newAuthority(t), "the system": nil} {
			t.Run(name+" trusting "+trusted, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				address := tlsBackend(t, newAuthority(t).issue(t, []string{"abc.example.com"}), nil)
				r.use(overTLS(ours, settings, address))
				r.get("/").want(t, http.StatusBadGateway)
			})
		}
	}
}

func TestClientCertificateIsShownToTheBackendThatAsks(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]bundle.HopTLS{
		"by hostname":            {Hostname: "abc.example.com"},
		"by subject alternative": {Hostname: "abc.example.com", DNSNames: []string{"abc.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, a := newRig(t), newAuthority(t)
			address := tlsBackend(t, a.issue(t, []string{"abc.example.com"}), func(c *tls.Config) {
				c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.pool()
			})
			b := overTLS(a, settings, address)
			r.use(b)
			r.get("/").want(t, http.StatusBadGateway)
			b.Hop.Rules[0].Backends[0].TLS.ClientCertificate = "certs/client.pem"
			b.Certificates = []bundle.File{{Path: "certs/client.pem", Data: a.issue(t, []string{"gateway"})}}
			r.use(b)
			if got := r.get("/").want(t, http.StatusOK); got.body != "HTTP/1.1 to abc.example.com from gateway" {
				t.Errorf("answered %q", got.body)
			}
			// A renewed one is shown from now on.
			b.Certificates = []bundle.File{{Path: "certs/client.pem", Data: a.issue(t, []string{"renewed"})}}
			r.use(b)
			if got := r.get("/").want(t, http.StatusOK); got.body != "HTTP/1.1 to abc.example.com from renewed" {
				t.Errorf("answered %q", got.body)
			}
		})
	}
}

func TestHTTP2IsChosenByALPNWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		http2   bool
		offered []string
		proto   string
	}{
		"asked for and offered":        {true, nil, "HTTP/2.0"},
		"asked for and not offered":    {true, []string{"http/1.1"}, "HTTP/1.1"},
		"offered but not asked for":    {false, nil, "HTTP/1.1"},
		"neither asked for nor offers": {false, []string{"http/1.1"}, "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, a := newRig(t), newAuthority(t)
			address := tlsBackend(t, a.issue(t, []string{"abc.example.com"}), func(c *tls.Config) { c.NextProtos = test.offered })
			b := overTLS(a, bundle.HopTLS{Hostname: "abc.example.com"}, address)
			b.Hop.Rules[0].Backends[0].HTTP2 = test.http2
			r.use(b)
			if got := r.get("/").want(t, http.StatusOK); got.body != test.proto+" to abc.example.com from nobody" {
				t.Errorf("answered %q", got.body)
			}
		})
	}
}

func TestSessionsAreResumedAndNotSharedBetweenSettings(t *testing.T) {
	t.Parallel()
	r, a := newRig(t), newAuthority(t)
	var handshakes, resumed atomic.Int64
	address := tlsBackend(t, a.issue(t, []string{"abc.example.com", "def.example.com"}), func(c *tls.Config) {
		c.VerifyConnection = func(s tls.ConnectionState) error {
			handshakes.Add(1)
			if s.DidResume {
				resumed.Add(1)
			}
			return nil
		}
	})
	b := overTLS(a, bundle.HopTLS{Hostname: "abc.example.com"}, address)
	r.use(b)
	// Each response is the last one of its connection.
	r.get("/close").want(t, http.StatusOK)
	r.get("/close").want(t, http.StatusOK)
	if h, n := handshakes.Load(), resumed.Load(); h != 2 || n != 1 {
		t.Errorf("%d handshakes, %d resumed; want 2 and 1", h, n)
	}
	b.Hop.Rules[0].Backends[0].TLS.Hostname = "def.example.com"
	r.use(b)
	r.get("/").want(t, http.StatusOK)
	if n := resumed.Load(); n != 1 {
		t.Errorf("a session of other settings was resumed")
	}
}

func TestBundleWhoseTLSFilesAreMissingOrDamagedIsRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for name, b := range map[string]bundle.Bundle{
		"CA bundle missing": overTLS(nil, bundle.HopTLS{Hostname: "a.example", CA: "ca/none.pem"}, "127.0.0.1:1"),
		"CA bundle without a certificate": func() bundle.Bundle {
			b := overTLS(a, bundle.HopTLS{Hostname: "a.example"}, "127.0.0.1:1")
			b.Files[0].Data = []byte("nonsense")
			return b
		}(),
		"client certificate missing": overTLS(a, bundle.HopTLS{Hostname: "a.example", ClientCertificate: "certs/none.pem"}, "127.0.0.1:1"),
		"no hostname":                overTLS(a, bundle.HopTLS{}, "127.0.0.1:1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := newRig(t).hop.Prepare(b); err == nil {
				t.Error("it was taken")
			}
		})
	}
}
