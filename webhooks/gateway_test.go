package webhooks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gateway is the Gateway infra/home with the given listeners.
func gateway(listeners ...string) string { return gatewayWith("", listeners...) }

func gatewayWith(annotation string, listeners ...string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: home, namespace: infra, annotations: {%s}}
spec:
  gatewayClassName: gatewright
  listeners:
  - %s
`, annotation, strings.Join(listeners, "\n  - "))
}

const (
	issuer   = `cert-manager.io/cluster-issuer: letsencrypt`
	web      = `{name: web, port: 80, protocol: HTTP, hostname: "*.example.net", allowedRoutes: {namespaces: {from: All}}}`
	webOwn   = `{name: web, port: 80, protocol: HTTP, hostname: "*.example.net", allowedRoutes: {namespaces: {from: Same}}}`
	lan      = `{name: lan, port: 8080, protocol: HTTP, hostname: "*.example.org", allowedRoutes: {namespaces: {from: All}}}`
	bare     = `{name: tls, port: 443, protocol: HTTPS, hostname: "*.example.net"}`
	withCert = `{name: tls, port: 443, protocol: HTTPS, hostname: "*.example.net", tls: {mode: Terminate, certificateRefs: [{group: "", kind: Secret, name: mine}]}}`
)

func TestGatewayValidation(t *testing.T) {
	t.Parallel()
	const unserved = "HTTPRoute blog/whoami is no longer served by this Gateway"
	tests := map[string]judged{
		"a sound Gateway passes without a word":                     {new: gateway(web, lan)},
		"a listener that no route uses goes without a word":         {old: gateway(web, lan), new: gateway(web)},
		"a listener that a route uses goes with a warning":          {old: gateway(web, lan), new: gateway(lan), warnings: []string{unserved + ": spec.hostnames: hostname whoami.example.net matches no listener of Gateway infra/home (it has *.example.org on listener lan): add a listener or change the hostname"}},
		"a namespace that a route is in is shut out with a warning": {old: gateway(web), new: gateway(webOwn), warnings: []string{unserved + `: spec.parentRefs[0]: no listener of Gateway infra/home allows HTTPRoutes of namespace "blog": change the listener's allowedRoutes (allowedRoutes.namespaces.from is Same unless written otherwise)`}},
		"a Gateway that serves routes is deleted with a warning":    {old: gateway(web, lan), warnings: []string{unserved}},
		"a Gateway that serves no route is deleted without a word":  {old: gateway(lan)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, route(goodRule), test.old), gatewayValidatePath)
		})
	}
}

const (
	http01Issuer = `
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: letsencrypt}
spec: {acme: {server: https://acme.example.org, privateKeySecretRef: {name: key}, solvers: [{http01: {gatewayHTTPRoute: {}}}]}}
`
	// configured is our class with an issuer for all its Gateways.
	configured = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatewright}
spec:
  controllerName: gatewright.dev/gateway-controller
  parametersRef: {group: gatewright.dev, kind: GatewayConfig, namespace: infra, name: all}
---
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {namespace: infra, name: all}
spec: {certificates: {issuerRef: {name: home-ca}}}
`
)

func TestAnIssuerThatCannotIssueIsToldAtAdmission(t *testing.T) {
	t.Parallel()
	const unable = "ClusterIssuer letsencrypt has only an HTTP-01 solver; a wildcard needs DNS-01: give the issuer a dns01 solver, or each host a listener of its own"
	tests := map[string]struct {
		cluster string
		judged
	}{
		"only HTTP-01 for a wildcard":  {http01Issuer, judged{new: gatewayWith(issuer, withCert), warnings: []string{"spec.listeners[0].hostname: " + unable}}},
		"HTTP-01 for a single name":    {http01Issuer, judged{new: gatewayWith(issuer, strings.Replace(withCert, "*.", "a.", 1))}},
		"an issuer that is not there":  {"", judged{new: gatewayWith(issuer, withCert), warnings: []string{"metadata.annotations[cert-manager.io/cluster-issuer]: ClusterIssuer letsencrypt does not exist: create the issuer, or mend its name"}}},
		"the default is not there":     {configured, judged{new: gateway(bare), warnings: []string{"spec.listeners[0].tls.certificateRefs: ClusterIssuer home-ca does not exist: create the issuer, or mend its name"}}},
		"nobody is asked for anything": {http01Issuer, judged{new: gateway(withCert)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, test.cluster), gatewayValidatePath)
		})
	}
}

func TestAConfigurationThatIsStillToComeMayHaveAnIssuer(t *testing.T) {
	t.Parallel()
	const (
		config = "  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: later}}\n"
		none   = `spec.listeners[0].tls.certificateRefs: HTTPS listener "tls" has neither a certificate nor any way to get one: name a Secret, or an issuer of cert-manager by annotation cert-manager.io/cluster-issuer or in the GatewayConfig`
	)
	tests := map[string]judged{
		"without a configuration a listener can never have a certificate": {new: gateway(bare), refusal: none},
		"with one that is not there it may": {new: gateway(bare) + config, warnings: []string{
			`spec.infrastructure.parametersRef: GatewayConfig "later" not found in namespace "infra": refer to a sound GatewayConfig`, none,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster), gatewayValidatePath)
		})
	}
}

func TestTheDefaultIssuerGivesAListenerItsCertificate(t *testing.T) {
	t.Parallel()
	const want = `[{"op":"add","path":"/spec/listeners/0/tls","value":{"certificateRefs":[{"name":"example-net-tls"}]}}]`
	response := review(t, cluster(t, theCluster, configured), gatewayMutatePath, "", gateway(bare))
	if diff := cmp.Diff(want, string(response.Patch)); diff != "" {
		t.Errorf("patch (-want +got):\n%s", diff)
	}
}

func TestGatewayWarningsAreBounded(t *testing.T) {
	t.Parallel()
	documents := []string{theCluster}
	for i := range 40 {
		documents = append(documents, strings.Replace(route(goodRule), "name: whoami,", fmt.Sprintf("name: whoami-%02d,", i), 1))
	}
	warnings := review(t, cluster(t, documents...), gatewayValidatePath, gateway(web), "").Warnings

	if len(warnings) != maxWarnings {
		t.Fatalf("%d warnings, want %d", len(warnings), maxWarnings)
	}
	if want := "and 26 more warnings: see the status of the objects concerned"; warnings[maxWarnings-1] != want {
		t.Errorf("last warning = %q, want %q", warnings[maxWarnings-1], want)
	}
}

func TestGatewayDefaulting(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ gateway, patch string }{
		"a TLS listener gets a certificate's name where an issuer is asked": {
			gateway: gatewayWith(issuer, web, bare),
			patch:   `[{"op":"add","path":"/spec/listeners/1/tls","value":{"certificateRefs":[{"name":"example-net-tls"}]}}]`,
		},
		"so does one that decrypts for TLSRoutes": {
			gateway: gatewayWith(issuer, `{name: tls, port: 443, protocol: TLS, hostname: a.example.net, tls: {mode: Terminate}}`),
			patch:   `[{"op":"add","path":"/spec/listeners/0/tls/certificateRefs","value":[{"name":"a-example-net-tls"}]}]`,
		},
		"a certificate that the user names stays":           {gateway: gatewayWith(issuer, withCert)},
		"without an issuer the listener is the user's own":  {gateway: gateway(bare)},
		"a listener without TLS stays as it is":             {gateway: gatewayWith(issuer, web)},
		"a Gateway of another controller stays as it is":    {gateway: strings.Replace(gatewayWith(issuer, bare), "gatewayClassName: gatewright", "gatewayClassName: other", 1)},
		"a Gateway whose class is not there stays as it is": {gateway: strings.Replace(gatewayWith(issuer, bare), "gatewayClassName: gatewright", "gatewayClassName: none", 1)},
		"a listener that passes TLS through stays as it is": {gateway: gatewayWith(issuer, `{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}`)},
		"a TLS listener that says no mode stays as it is":   {gateway: gatewayWith(issuer, `{name: tls, port: 443, protocol: TLS, hostname: a.example.net}`)},
		"options may stand in for a certificate: they stay": {gateway: gatewayWith(issuer, `{name: tls, port: 443, protocol: HTTPS, hostname: a.example.net, tls: {options: {example.org/cert: x}}}`)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := review(t, cluster(t, theCluster), gatewayMutatePath, "", test.gateway)
			if !response.Allowed {
				t.Fatalf("refused: %v", response.Result)
			}
			if diff := cmp.Diff(test.patch, string(response.Patch)); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}
