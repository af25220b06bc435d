package e2e

import (
	"net/http"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/test/homelab"
)

// redirecting is a Gateway with the redirect switched on, and a route to whoami
// at all its listeners. The certificate is not there yet; the second route is
// like those with which cert-manager gets one.
const redirecting = `
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {namespace: redirecting, name: secure}
spec: {httpsRedirect: {enabled: true}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: redirecting, name: edge}
spec:
  gatewayClassName: gatewright
  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: secure}}
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - name: https
    port: 8443
    protocol: HTTPS
    hostname: new.jarrett.net
    tls: {certificateRefs: [{name: new-tls}]}
    allowedRoutes: {namespaces: {from: All}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: whoami, name: redirected}
spec:
  parentRefs: [{namespace: redirecting, name: edge}]
  hostnames: [new.jarrett.net]
  rules: [{backendRefs: [{name: whoami, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: whoami, name: cm-acme-http-solver-x7k2p}
spec:
  parentRefs: [{namespace: redirecting, name: edge}]
  hostnames: [new.jarrett.net]
  rules:
  - matches: [{path: {type: Exact, value: /.well-known/acme-challenge/token}}]
    backendRefs: [{name: whoami, port: 80}]
`

func TestOneSwitchRedirectsToHTTPS(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "redirecting")
	apply(t, redirecting)
	edge, err := lab.GatewayAddress(t.Context(), types.NamespacedName{Namespace: "redirecting", Name: "edge"})
	if err != nil {
		t.Fatal(err)
	}
	const challenge = "http://new.jarrett.net/.well-known/acme-challenge/token"
	c := laptopFor(t, edge)
	redirected := func(t *testing.T) {
		t.Helper()
		got := expect(t, c, "http://new.jarrett.net/path?and=query", http.StatusMovedPermanently)
		if want := "https://new.jarrett.net:8443/path?and=query"; got.header.Get("Location") != want {
			t.Errorf("the redirect leads to %q instead of %q", got.header.Get("Location"), want)
		}
		expect(t, c, challenge, http.StatusOK, "Host: new.jarrett.net")
	}
	t.Run("while the certificate is missing", redirected)
	if err := lab.PutCertificate(t.Context(), types.NamespacedName{Namespace: "redirecting", Name: "new-tls"}, "new.jarrett.net"); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "https://new.jarrett.net:8443/path?and=query", http.StatusOK, "GET /path?and=query", "X-Forwarded-Proto: https")
	t.Run("once the certificate is there", redirected)
	expect(t, c, "http://"+homelab.Whoami+"/", http.StatusNotFound)
}
