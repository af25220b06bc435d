package webhooks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// signer is an authority of client certificates.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newSigner(t *testing.T) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signer{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// client is a certificate that ends at the time.
func (s signer) client(t *testing.T, name string, until time.Time, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, s.certificate, key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	ours, theirs := newSigner(t), newSigner(t)
	file := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(file, ours.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	const user, server = x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth
	tests := map[string]struct {
		caller Caller
		shown  []tls.Certificate
		may    bool
	}{
		"everybody, where nothing is said":       {Caller{}, nil, true},
		"the API server, with its certificate":   {Caller{CA: file}, []tls.Certificate{ours.client(t, "apiserver", soon, user)}, true},
		"with a name that is allowed":            {Caller{CA: file, Names: []string{"x", "apiserver"}}, []tls.Certificate{ours.client(t, "apiserver", soon, user)}, true},
		"not with another name":                  {Caller{CA: file, Names: []string{"apiserver"}}, []tls.Certificate{ours.client(t, "kubelet", soon, user)}, false},
		"not without a certificate":              {Caller{CA: file}, nil, false},
		"not with one of somebody else":          {Caller{CA: file}, []tls.Certificate{theirs.client(t, "apiserver", soon, user)}, false},
		"not with one that has expired":          {Caller{CA: file}, []tls.Certificate{ours.client(t, "apiserver", past, user)}, false},
		"not with a server's":                    {Caller{CA: file}, []tls.Certificate{ours.client(t, "apiserver", soon, server)}, false},
		"nobody, where the authorities are gone": {Caller{CA: file + ".gone"}, []tls.Certificate{ours.client(t, "apiserver", soon, user)}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
			s.Config.ErrorLog = nil
			test.caller.restrict(s.TLS)
			s.StartTLS()
			t.Cleanup(s.Close)
			transport, _ := s.Client().Transport.(*http.Transport)
			transport.TLSClientConfig.Certificates = test.shown
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := s.Client().Do(request)
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			if (err == nil) != test.may {
				t.Errorf("may ask: %v (%v), want %v", err == nil, err, test.may)
			}
		})
	}
}
