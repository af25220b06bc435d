package e2e

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/acme"
	"github.com/gatewright/gatewright/test/homelab"
)

const (
	// anyHost is covered by the wildcard certificate.
	anyHost = "any.acme.jarrett.net"
	// singleHost has a certificate of its own.
	singleHost = "single.jarrett.net"
)

var (
	acmeGateway      = types.NamespacedName{Namespace: "acme", Name: "edge"}
	acmeCertificate  = types.NamespacedName{Namespace: "acme", Name: "acme-jarrett-net-tls"}
	acmeCertificate1 = types.NamespacedName{Namespace: "acme", Name: "single-jarrett-net-tls"}
)

// acmeManifest is a Gateway that redirects from HTTP by its switch, serves whoami over HTTPS
// and says nothing about Secrets; listeners are more of its listeners.
func acmeManifest(listeners string) string {
	return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  namespace: acme
  name: edge
  annotations: {cert-manager.io/cluster-issuer: ` + acme.Issuer + `}
spec:
  gatewayClassName: gatewright
  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: edge}}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: wildcard, hostname: "*.acme.jarrett.net", port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}
` + listeners + `
---
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {namespace: acme, name: edge}
spec: {httpsRedirect: {enabled: true}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: whoami, name: acme}
spec:
  parentRefs: [{namespace: acme, name: edge, port: 443}]
  rules: [{backendRefs: [{name: whoami, port: 80}]}]
`
}

const singleListener = `
  - {name: single, hostname: ` + singleHost + `, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}`

// startAuthority brings up cert-manager and an ACME server for the time of the
// test.
func startAuthority(t *testing.T, options acme.Options) *acme.Authority {
	t.Helper()
	options.Log = os.Stderr
	authority, err := acme.Up(t.Context(), lab, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(authority.Describe(context.Background()))
			said, _ := lab.Kubectl(context.Background(), "logs", "--namespace="+acmeGateway.Namespace,
				"--selector=app.kubernetes.io/name="+infra.AppName, "--tail=60")
			t.Log(said)
		}
		if err := authority.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return authority
}

func TestCertificatesComeFromAnACMEServer(t *testing.T) {
	explainFailure(t)
	newNamespace(t, acmeGateway.Namespace)
	authority := startAuthority(t, acme.Options{Shim: true})
	story := certificateStory{authority: authority}
	t.Cleanup(func() {
		if err := lab.Delete(context.Background(), acmeManifest(singleListener)); err != nil {
			t.Error(err)
		}
	})
	for _, chapter := range []struct {
		name string
		tell func(*testing.T)
	}{
		{"a wildcard is proved by DNS and served", story.wildcard},
		{"no handshake fails while a certificate is renewed, and nginx is not reloaded", story.renewal},
		{"a single name is proved at port 80, past the redirect", story.single},
		{"a certificate is renewed without the shim that asked for it", story.withoutShim},
	} {
		if !t.Run(chapter.name, chapter.tell) {
			t.FailNow()
		}
	}
}

// certificateStory is told in chapters that build on each other.
type certificateStory struct {
	authority *acme.Authority
	address   string
}

func (s *certificateStory) wildcard(t *testing.T) {
	times := newStopwatch("the Gateway is applied")
	if _, err := lab.Apply(t.Context(), acmeManifest("")); err != nil {
		t.Fatal(err)
	}
	leaf := s.awaitIssued(t, acmeCertificate, "")
	times.note("the certificate is issued")
	if diff := cmp.Diff([]string{"*.acme.jarrett.net"}, leaf.DNSNames); diff != "" {
		t.Errorf("names in the certificate (-want +got):\n%s", diff)
	}
	var err error
	if s.address, err = lab.GatewayAddress(t.Context(), acmeGateway); err != nil {
		t.Fatal(err)
	}
	expect(t, s.laptop(t), "https://"+anyHost+"/", http.StatusOK, "Hostname:")
	times.note("it is served")
	times.report(t)

	var gateway gatewayv1.Gateway
	fetch(t, acmeGateway.Namespace, acmeGateway.Name, &gateway)
	if tls := gateway.Spec.Listeners[1].TLS; tls == nil || len(tls.CertificateRefs) != 1 || string(tls.CertificateRefs[0].Name) != acmeCertificate.Name {
		t.Errorf("the webhook has left the listener with tls %+v", tls)
	}
	certificate, err := s.authority.Certificate(t.Context(), acmeCertificate)
	if err != nil {
		t.Fatal(err)
	}
	if owner := metav1.GetControllerOf(certificate); owner == nil || owner.UID != gateway.UID {
		t.Errorf("the Certificate is controlled by %v instead of by the Gateway, as the shim makes it", owner)
	}
}

func (s *certificateStory) single(t *testing.T) {
	if err := s.authority.Point(t.Context(), singleHost, s.address); err != nil {
		t.Fatal(err)
	}
	times := newStopwatch("the listener is applied")
	if _, err := lab.Apply(t.Context(), acmeManifest(singleListener)); err != nil {
		t.Fatal(err)
	}
	leaf := s.awaitIssued(t, acmeCertificate1, "")
	times.note("the certificate is issued")
	if diff := cmp.Diff([]string{singleHost}, leaf.DNSNames); diff != "" {
		t.Errorf("names in the certificate (-want +got):\n%s", diff)
	}
	expect(t, s.laptop(t), "https://"+singleHost+"/", http.StatusOK, "Hostname:")
	times.note("it is served")
	times.report(t)

	presented := kubectl(t, "get", "events", "--namespace", acmeCertificate1.Namespace, "--field-selector=reason=Presented",
		"--output=jsonpath={range .items[*]}{.involvedObject.name}: {.message}{\"\\n\"}{end}")
	proof := acmeCertificate1.Name
	for line := range strings.Lines(presented) {
		if strings.HasPrefix(line, proof) && !strings.Contains(line, "HTTP-01") {
			t.Errorf("the name was proved otherwise: %s", line)
		}
	}
	if !strings.Contains(presented, proof) {
		t.Errorf("no challenge was answered for %s: %s", proof, presented)
	}
	expect(t, s.laptop(t), "http://"+singleHost+"/", http.StatusMovedPermanently)
}

func (s *certificateStory) renewal(t *testing.T) {
	before := s.awaitIssued(t, acmeCertificate, "")
	reloadsBefore, podBefore := reloadsOf(t, acmeGateway), nginxPodOf(t, acmeGateway)
	shaken := shakeHands(t, handshakeTarget{address: s.address, host: anyHost, trusted: s.authority.Pool()})
	shaken.await(t, serial(before))

	times := newStopwatch("the renewal is asked for")
	if err := s.authority.Renew(t.Context(), acmeCertificate); err != nil {
		t.Fatal(err)
	}
	after := s.awaitIssued(t, acmeCertificate, serial(before))
	times.note("the certificate is issued")
	shaken.await(t, serial(after))
	times.noteAt(shaken.first(serial(after)), "a first handshake shows it")
	times.noteAt(shaken.last(serial(before)), "a last handshake shows the one before")
	times.report(t)
	shaken.end(t)

	if n := reloadsOf(t, acmeGateway); n != reloadsBefore {
		t.Errorf("nginx was reloaded %d times", n-reloadsBefore)
	}
	if pod := nginxPodOf(t, acmeGateway); pod.UID != podBefore.UID || pod.Status.ContainerStatuses[0].RestartCount != podBefore.Status.ContainerStatuses[0].RestartCount {
		t.Errorf("nginx was restarted: pod %s became %s", podBefore.Name, pod.Name)
	}
}

func (s *certificateStory) withoutShim(t *testing.T) {
	if err := s.authority.SetShim(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	before := s.awaitIssued(t, acmeCertificate, "")
	if err := s.authority.Renew(t.Context(), acmeCertificate); err != nil {
		t.Fatal(err)
	}
	after := s.awaitIssued(t, acmeCertificate, serial(before))
	target := handshakeTarget{address: s.address, host: anyHost, trusted: s.authority.Pool()}
	eventually(t, func(context.Context) error {
		shown, err := target.shake()
		if err == nil && shown != serial(after) {
			err = fmt.Errorf("the certificate with serial number %s is shown instead of %s", shown, serial(after))
		}
		return err
	})
}

// awaitIssued waits until another certificate than the one with a serial number
// is issued.
func (s *certificateStory) awaitIssued(t *testing.T, key types.NamespacedName, other string) *x509.Certificate {
	t.Helper()
	var leaf *x509.Certificate
	ctx, cancel := context.WithTimeout(t.Context(), issuePatience)
	defer cancel()
	err := homelab.Eventually(ctx, func(ctx context.Context) (err error) {
		if leaf, err = s.authority.Issued(ctx, key); err != nil {
			return err
		}
		if serial(leaf) == other {
			return fmt.Errorf("Certificate %s still has the serial number %s", key, other)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// issuePatience bounds how long an issue may take: cert-manager and the ACME
// server both wait between their looks.
const issuePatience = 3 * time.Minute

// laptop trusts the ACME server's root instead of the lab's.
func (s *certificateStory) laptop(t *testing.T) *http.Client {
	t.Helper()
	c := laptopFor(t, s.address)
	c.Transport.(*http.Transport).TLSClientConfig.RootCAs = s.authority.Pool()
	return c
}

func serial(c *x509.Certificate) string { return c.SerialNumber.Text(16) }
