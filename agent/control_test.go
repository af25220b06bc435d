package agent_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestControlAPITakesBundlesFromTheOperatorAlone(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	stranger := newAuthority(t)
	clientUse, serverUse := x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth
	for name, certificates := range map[string][]tls.Certificate{
		"no certificate":                               nil,
		"another name of the same authority":           {p.pki.pair(t, "gateway.test", clientUse)},
		"a wildcard that covers the operator's name":   {p.pki.pair(t, "*.gatewright.dev", clientUse)},
		"the operator's name from another authority":   {stranger.operator(t)},
		"the operator's name in a server certificate":  {p.pki.pair(t, bundle.OperatorIdentity, serverUse)},
		"the operator's name without any stated usage": {p.pki.pair(t, bundle.OperatorIdentity)},
	} {
		t.Run(name, func(t *testing.T) {
			client := p.client(certificates...)
			for _, method := range []string{http.MethodGet, http.MethodPut} {
				path := map[string]string{http.MethodGet: bundle.PathState, http.MethodPut: bundle.PathBundle}[method]
				if status, body, err := p.request(client, method, path, encoded(t, p.bundle(site{}))); err == nil {
					t.Errorf("%s %s answered %d %q", method, path, status, body)
				}
			}
		})
	}
	if got := p.state(); got.Hash != "" {
		t.Errorf("a bundle went live: %+v", got)
	}
}

func TestControlAPIRefusesTLSBelow13(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	_, err := tls.Dial("tcp", p.options.ControlAddress, &tls.Config{
		RootCAs: p.pki.pool, ServerName: "gateway.test", MaxVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{p.pki.operator(t)},
	})
	if err == nil {
		t.Error("a TLS 1.2 handshake succeeded")
	}
}

func TestRotatedIdentityIsUsedFromTheNextHandshakeOn(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	old := p.pki

	p.pki = newAuthority(t)
	p.pki.writeIdentity(t, p.options.IdentityDir)
	fresh := p.client(p.pki.operator(t))

	if status, _, err := p.request(fresh, http.MethodGet, bundle.PathState, nil); err != nil || status != http.StatusOK {
		t.Errorf("the new operator is answered %d, %v", status, err)
	}
	_, err := tls.Dial("tcp", p.options.ControlAddress, &tls.Config{RootCAs: old.pool, ServerName: "gateway.test"})
	if err == nil {
		t.Error("the old identity is still shown")
	}
	p.operator = p.client(old.operator(t))
	if _, _, err := p.request(p.operator, http.MethodGet, bundle.PathState, nil); err == nil {
		t.Error("the old authority is still believed")
	}
}

func TestUnreadableBundleIsABadRequestAndChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	live := p.mustPush(p.bundle(site{}))
	for name, body := range map[string][]byte{
		"empty":     {},
		"not gzip":  []byte("{}"),
		"cut short": encoded(t, p.bundle(site{}))[:100],
		"too large": bytes.Repeat([]byte{0}, 17<<20),
	} {
		if status, answer, err := p.request(p.operator, http.MethodPut, bundle.PathBundle, body); err == nil && status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %q", name, status, answer)
		}
	}
	if diff := cmp.Diff(live, p.state()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestControlAPISpeaksHTTP2(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	response, err := p.operator.Get("https://" + p.options.ControlAddress + bundle.PathState)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 || response.TLS.Version != tls.VersionTLS13 {
		t.Errorf("answered with %s over %s", response.Proto, tls.VersionName(response.TLS.Version))
	}
}
