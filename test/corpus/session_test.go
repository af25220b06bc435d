package corpus

import (
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// visit is a request over TLS, for a host at a port, by a client that shows a
// certificate of an authority, or none.
type visit struct {
	host    string
	port    int
	client  string
	resumed bool
	// answer is the status line, empty where the connection was closed.
	answer string
}

// TestTLSSessionsCarryNoTrustElsewhere resumes sessions that were made where
// other certificates were asked for, or none.
func TestTLSSessionsCarryNoTrustElsewhere(t *testing.T) {
	t.Parallel()
	d := clientCertificatesPlane(t)
	const served = "HTTP/1.1 200 OK"
	for name, visits := range map[string][]visit{
		"a session is resumed where it was made": {
			{"any.example.net", 443, "house", false, served},
			{"any.example.net", 443, "", true, served},
		},
		"not where an authority of that name has another key": {
			{"any.example.net", 443, "house", false, served},
			{"any.example.net", 6443, "house", false, ""},
		},
		"not where no certificate was asked for before": {
			{"any.example.net", 9443, "", false, served},
			{"any.example.net", 443, "", false, ""},
		},
		"not where any certificate was let in before": {
			{"any.example.net", 7443, "strangers", false, served},
			{"any.example.net", 443, "strangers", false, ""},
		},
		"not where other authorities were trusted before": {
			{"guests.example.net", 8443, "guests", false, served},
			{"guests.example.net", 443, "guests", false, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			// Go resumes no sessions of TLS 1.2 without tickets.
			config := &tls.Config{MinVersion: tls.VersionTLS13, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			for _, v := range visits {
				resumed, answer := v.make(t, d, config.Clone())
				if resumed != v.resumed || answer != v.answer {
					t.Errorf("at port %d: resumed: %v, answer %q; want %v, %q", v.port, resumed, answer, v.resumed, v.answer)
				}
			}
		})
	}
}

func clientCertificatesPlane(t *testing.T) *dataplane.DataPlane {
	t.Helper()
	s, err := ReadCase(cases + "/client-certificates.txtar")
	if err != nil {
		t.Fatal(err)
	}
	b := compiler.Run(s, compiler.Options{Infra: infra.Options{Image: "gatewright-nginx:test"}}).Gateways[0].Bundle
	d, err := dataplane.New(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	stop, err := serveBackends(d, b, s, newWitness())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func (v visit) make(t *testing.T, d *dataplane.DataPlane, config *tls.Config) (resumed bool, answer string) {
	t.Helper()
	config.ServerName = v.host
	config.InsecureSkipVerify = true //nolint:gosec // the client's certificate is what is tried
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if v.client == "" {
			return &tls.Certificate{}, nil
		}
		return clientCertificate(v.client)
	}
	raw, err := d.Dial("127.0.0.1", v.port)
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(raw, config)
	defer c.Close()
	r := request{method: "GET", target: "/", authority: fmt.Sprintf("%s:%d", v.host, v.port)}
	if _, err := io.WriteString(c, r.wire()); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(c)
	answer, _, _ = strings.Cut(string(text), "\r\n")
	return c.ConnectionState().DidResume, answer
}
