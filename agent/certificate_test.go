package agent_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestRenewedCertificateIsServedWithoutReload(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	b := p.bundle(site{Certificate: "certs/www.pem"})
	b.Certificates = []bundle.File{p.pki.serving(t, "certs/www.pem", 100)}
	first := p.mustPush(b)
	p.eventually("the first certificate is served", func() bool { return p.servedSerial() == 100 })

	b.Certificates = []bundle.File{p.pki.serving(t, "certs/www.pem", 200)}
	second := p.mustPush(b)

	p.eventually("the renewed certificate is served", func() bool { return p.servedSerial() == 200 })
	if second.Reloads != first.Reloads {
		t.Errorf("reloads went from %d to %d", first.Reloads, second.Reloads)
	}
}

// servedSerial is the serial number of the certificate that nginx shows.
func (p *plane) servedSerial() int64 {
	c, err := tls.Dial("tcp", p.https, &tls.Config{RootCAs: p.pki.pool, ServerName: "www.example.net"})
	if err != nil {
		return 0
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestCertificateThatIsNoPairIsRefusedAndNeverWritten(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	b := p.bundle(site{Certificate: "certs/www.pem"})
	good := p.pki.serving(t, "certs/www.pem", 100)
	b.Certificates = []bundle.File{good}
	live := p.mustPush(b)
	mixed := p.pki.serving(t, "certs/www.pem", 101)
	certificate, _, _ := strings.Cut(string(good.Data), "-----BEGIN PRIVATE KEY")
	_, key, _ := strings.Cut(string(mixed.Data), "-----BEGIN PRIVATE KEY")
	mixed.Data = []byte(certificate + "-----BEGIN PRIVATE KEY" + key)
	b.Certificates = []bundle.File{mixed}

	status, state := p.push(b)

	if status != http.StatusUnprocessableEntity || state.Refused == nil || !strings.Contains(state.Refused.Message, "certs/www.pem") {
		t.Errorf("push: %d %+v", status, state.Refused)
	}
	if state.Hash != live.Hash {
		t.Errorf("live is %s, want %s", state.Hash, live.Hash)
	}
	if data, err := os.ReadFile(filepath.Join(p.options.RunDir, "certs/www.pem")); err != nil || string(data) != string(good.Data) {
		t.Errorf("the good certificate was replaced (%v)", err)
	}
}
