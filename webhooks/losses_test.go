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
