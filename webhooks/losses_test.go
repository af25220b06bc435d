package webhooks

import (
	"strings"
	"testing"
)

const (
	service = `
apiVersion: v1
kind: Service
metadata: {name: whoami, namespace: blog}
spec: {ports: [{port: 80}]}
`
	grant = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: routes, namespace: prod}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: blog}]
  to: [{group: "", kind: Service}]
`
	certificateGrant = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: certificates, namespace: prod}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: infra}]
  to: [{group: "", kind: Secret, name: mine}]
`
	otherService = `
apiVersion: v1
kind: Service
metadata: {name: db, namespace: prod}
spec: {ports: [{port: 80}]}
`
	// tlsSecret holds what must never be looked at.
	tlsSecret = `
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: mine, namespace: infra}
data: {tls.crt: "", tls.key: ""}
`
	withForeignCert = `{name: tls, port: 443, protocol: HTTPS, hostname: "*.example.net", tls: {certificateRefs: [{name: mine, namespace: prod}]}}`
)

func TestWhoChangesAServiceHearsWhoLosesIt(t *testing.T) {
	t.Parallel()
	const loses = "HTTPRoute blog/whoami no longer reaches Service blog/whoami: spec.rules[0].backendRefs[0]"
	tests := map[string]judged{
		"it is deleted":                      {old: service, warnings: []string{loses + `.name: Service "whoami" not found in namespace "blog"`}},
		"its port is another one":            {old: service, new: strings.Replace(service, "port: 80", "port: 81", 1), warnings: []string{loses + `.port: Service "whoami" has no TCP port 80`}},
		"it leads anywhere":                  {old: service, new: strings.Replace(service, "ports:", "type: ExternalName, ports:", 1), warnings: []string{loses + `.name: Service "whoami" is of type ExternalName, which could lead anywhere`}},
		"it speaks what nginx does not":      {old: service, new: strings.Replace(service, "port: 80", "port: 80, appProtocol: redis", 1), warnings: []string{loses + `.port: port 80 of Service "whoami" speaks redis, which is not supported yet`}},
		"it gets a further port":             {old: service, new: strings.Replace(service, "{port: 80}", "{port: 80}, {port: 81}", 1)},
		"no route uses it":                   {old: strings.Replace(service, "name: whoami", "name: unused", 1)},
		"another Service has the name of it": {old: strings.Replace(service, "namespace: blog", "namespace: prod", 1)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, route(goodRule), test.old), serviceValidatePath)
		})
	}
}

func TestWhoTakesAGrantBackHearsWhoLosesByIt(t *testing.T) {
	t.Parallel()
	toDB := route(`backendRefs: [{name: db, namespace: prod, port: 80}]`)
	noDB := []string{`HTTPRoute blog/whoami no longer reaches its backend: spec.rules[0].backendRefs[0]: Service prod/db may not be used from namespace "blog"`}
	noCertificate := []string{`listener tls of Gateway infra/home loses its certificate: spec.listeners[0].tls.certificateRefs[0]: Secret prod/mine may not be used from namespace "infra"`}
	tests := map[string]struct {
		judged
		further string
	}{
		"it is deleted":                   {judged{old: grant, warnings: noDB}, ""},
		"it is for another namespace now": {judged{old: grant, new: strings.Replace(grant, "namespace: blog", "namespace: shop", 1), warnings: noDB}, ""},
		"it allows more":                  {judged{old: grant, new: strings.Replace(grant, "to: [", `to: [{group: "", kind: Secret}, `, 1)}, ""},
		"another grant allows the same":   {judged{old: grant}, strings.Replace(grant, "name: routes", "name: again", 1)},
		"a certificate goes with it":      {judged{old: certificateGrant, warnings: noCertificate}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster(t, theCluster, otherService, toDB, test.old, test.further)
			if test.old == certificateGrant {
				s = s.With(decode(t, gateway(withForeignCert)))
			}
			test.check(t, s, referenceGrantValidatePath)
		})
	}
}

func TestWhoDeletesACertificateHearsWhichListenersHaveIt(t *testing.T) {
	t.Parallel()
	tests := map[string]judged{
		"a listener has it":  {old: tlsSecret, warnings: []string{"listener tls of Gateway infra/home loses its certificate, which is in Secret infra/mine"}},
		"no listener has it": {old: strings.Replace(tlsSecret, "name: mine", "name: old", 1)},
		"its data are not even base64": {
			old:      strings.Replace(tlsSecret, `tls.key: ""`, `tls.key: "%%%"`, 1),
			warnings: []string{"listener tls of Gateway infra/home loses its certificate, which is in Secret infra/mine"},
		},
		"it is changed, of which nobody asks": {old: tlsSecret, new: tlsSecret},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, gateway(withCert), route(goodRule)), secretValidatePath)
		})
	}
}

const (
	class = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatewright}
spec: {controllerName: gatewright.dev/gateway-controller}
`
	redirecting = `
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {namespace: infra, name: all}
spec: {httpsRedirect: {enabled: true}}
`
)

func TestWhoChangesAClassHearsWhichGatewaysLoseByIt(t *testing.T) {
	t.Parallel()
	astray := class[:len(class)-2] + ", parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: gone, namespace: infra}}"
	tests := map[string]judged{
		"it is deleted": {old: class, warnings: []string{
			"Gateway infra/home is no longer served: its GatewayClass is not Gatewright's any more",
			"HTTPRoute blog/whoami is no longer served by Gateway infra/home",
		}},
		"its parameters lead nowhere": {old: class, new: astray, warnings: []string{
			`spec.parametersRef: GatewayConfig "gone" not found in namespace "infra": refer to a sound GatewayConfig`,
			`Gateway infra/home is no longer accepted: spec.gatewayClassName: GatewayClass "gatewright" is not accepted: spec.parametersRef: GatewayConfig "gone" not found in namespace "infra": refer to a sound GatewayConfig: mend the GatewayClass`,
		}},
		"it is another's":       {old: strings.NewReplacer("name: gatewright", "name: other", "gatewright.dev/gateway-controller", "example.org/controller").Replace(class)},
		"it gets a description": {old: class, new: strings.Replace(class, "spec: {", "spec: {description: ours, ", 1)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, route(goodRule)), gatewayClassValidatePath)
		})
	}
}

func TestWhoChangesAGatewayConfigHearsWhatTheGatewaysLose(t *testing.T) {
	t.Parallel()
	harmless := strings.Replace(redirecting, "true", "false", 1)
	tests := map[string]judged{
		"it redirects now": {old: harmless, new: redirecting, warnings: []string{
			"HTTPRoute blog/whoami no longer answers over HTTP: spec.parentRefs: the listeners that the route is attached to redirect all its requests to HTTPS",
		}},
		"it is deleted": {old: withIssuer, warnings: []string{
			`Gateway infra/home is no longer accepted: spec.gatewayClassName: GatewayClass "gatewright" is not accepted: spec.parametersRef: GatewayConfig "all" not found in namespace "infra": refer to a sound GatewayConfig: mend the GatewayClass`,
			`listener tls of Gateway infra/home loses its certificate: spec.listeners[1].tls.certificateRefs: HTTPS listener "tls" has neither a certificate nor any way to get one`,
		}},
		"nobody uses it any longer": {old: strings.Replace(withIssuer, "name: all", "name: unused", 1)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, configured, gateway(web, bare), route(goodRule), test.old), gatewayConfigValidatePath)
		})
	}
}

// withIssuer is what the class of configured refers to.
const withIssuer = `
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {namespace: infra, name: all}
spec: {certificates: {issuerRef: {name: home-ca}}}
`
