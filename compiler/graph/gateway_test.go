package graph_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

const listenHTTP = "\n  listeners: [{name: http, port: 80, protocol: HTTP}]"

// theGateway builds a Gateway infra/g with the lines, and objects beside it.
func theGateway(t *testing.T, lines, beside string) (graph.Graph, *graph.Gateway) {
	t.Helper()
	manifest := "kind: Gateway\nmetadata: {namespace: infra, name: g, generation: 2}\nspec:\n  gatewayClassName: gatewright\n" + lines
	if beside != "" {
		manifest += "\n---\n" + beside
	}
	g := build(t, manifest)
	for _, gateway := range g.Gateways {
		if gateway.Source.Name == "g" {
			return g, gateway
		}
	}
	t.Fatal("the Gateway is not in the graph")
	return g, nil
}

func TestWhetherAGatewayIsAccepted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec, beside string
		accepted     bool
		reason       string
		message      string
	}{
		"an ordinary one": {spec: listenHTTP, accepted: true, reason: "Accepted"},
		"parameters that are not there": {
			spec:   "  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: gone}}" + listenHTTP,
			reason: "InvalidParameters", message: `GatewayConfig "gone" not found in namespace "infra"`,
		},
		"parameters of another kind": {
			spec:   `  infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: c}}` + listenHTTP,
			reason: "InvalidParameters", message: "write group: gatewright.dev, kind: GatewayConfig",
		},
		"parameters that contradict each other": {
			spec:   "  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: c}}" + listenHTTP,
			beside: "kind: GatewayConfig\nmetadata: {namespace: infra, name: c}\nspec: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}",
			reason: "InvalidParameters", message: "2Gi is more than the limit 1Gi",
		},
		"an address by name": {
			spec:   "  addresses: [{type: Hostname, value: a.example.com}]" + listenHTTP,
			reason: "UnsupportedAddress", message: `"Hostname" are not supported`,
		},
		"no listener that is supported": {
			spec:   "  listeners: [{name: dns, port: 53, protocol: SCTP}]",
			reason: "ListenersNotValid", message: `listener "dns": spec.listeners[0].protocol: protocol "SCTP" is not supported`,
		},
		"one of two listeners": {
			spec:     "  listeners: [{name: dns, port: 53, protocol: SCTP}, {name: http, port: 80, protocol: HTTP}]",
			accepted: true, reason: "ListenersNotValid", message: `listener "dns"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, g := theGateway(t, test.spec, test.beside)
			if g.Accepted.True != test.accepted || g.Accepted.Reason != test.reason || !strings.Contains(g.Accepted.Message, test.message) {
				t.Errorf("accepted: %+v", g.Accepted)
			}
		})
	}
}

func TestWhetherAListenerServes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec string
		// reasons of Accepted, Conflicted and ResolvedRefs.
		want [3]string
	}{
		"a listener is accepted by itself": {
			"  listeners: [{name: l, port: 80, protocol: HTTP}]",
			[3]string{"Accepted", "NoConflicts", "ResolvedRefs"},
		},
		"one hostname and port cannot be told apart": {
			"  listeners: [{name: l, port: 80, protocol: HTTP, hostname: a.b}, {name: m, port: 80, protocol: HTTP, hostname: A.b}]",
			[3]string{"HostnameConflict", "HostnameConflict", "ResolvedRefs"},
		},
		"one port speaks one protocol": {
			"  listeners: [{name: l, port: 80, protocol: HTTP}, {name: m, port: 80, protocol: HTTPS, hostname: a.b}]",
			[3]string{"ProtocolConflict", "ProtocolConflict", "ResolvedRefs"},
		},
		"a listener that is not supported is in nobody's way": {
			"  listeners: [{name: l, port: 80, protocol: HTTP}, {name: m, port: 80, protocol: SCTP}]",
			[3]string{"Accepted", "NoConflicts", "ResolvedRefs"},
		},
		"TCP shares its port with nothing that speaks over it": {
			"  listeners: [{name: l, port: 80, protocol: TCP}, {name: m, port: 80, protocol: HTTP}]",
			[3]string{"ProtocolConflict", "ProtocolConflict", "ResolvedRefs"},
		},
		"datagrams are in no connection's way": {
			"  listeners: [{name: l, port: 53, protocol: UDP}, {name: m, port: 53, protocol: TCP}]",
			[3]string{"Accepted", "NoConflicts", "ResolvedRefs"},
		},
		"HTTPS and TLS share a port by hostname": {
			"  listeners: [{name: l, port: 443, protocol: TLS, hostname: a.b, tls: {mode: Passthrough}}, {name: m, port: 443, protocol: HTTPS, hostname: c.b}]",
			[3]string{"Accepted", "NoConflicts", "ResolvedRefs"},
		},
		"HTTPS and TLS with one hostname cannot be told apart": {
			"  listeners: [{name: l, port: 443, protocol: TLS, hostname: a.b, tls: {mode: Passthrough}}, {name: m, port: 443, protocol: HTTPS, hostname: A.b}]",
			[3]string{"HostnameConflict", "HostnameConflict", "ResolvedRefs"},
		},
		"TLS that is decrypted needs a certificate": {
			"  listeners: [{name: l, port: 443, protocol: TLS, tls: {mode: Terminate}}]",
			[3]string{"Accepted", "NoConflicts", "InvalidCertificateRef"},
		},
		"a port of the data plane is not to be had": {
			"  listeners: [{name: l, port: 29443, protocol: HTTP}]",
			[3]string{"PortUnavailable", "NoConflicts", "ResolvedRefs"},
		},
		"a kind of routes that is not known": {
			"  listeners: [{name: l, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}]",
			[3]string{"Accepted", "NoConflicts", "InvalidRouteKinds"},
		},
		"no certificate": {
			"  listeners: [{name: l, port: 443, protocol: HTTPS}]",
			[3]string{"Accepted", "NoConflicts", "InvalidCertificateRef"},
		},
		"a Secret that is not there": {
			"  listeners: [{name: l, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: gone}]}}]",
			[3]string{"Accepted", "NoConflicts", "InvalidCertificateRef"},
		},
		"a Secret of another namespace": {
			"  listeners: [{name: l, port: 443, protocol: HTTPS, tls: {certificateRefs: [{namespace: x, name: gone}]}}]",
			[3]string{"Accepted", "NoConflicts", "RefNotPermitted"},
		},
		"a certificate that is no Secret": {
			"  listeners: [{name: l, port: 443, protocol: HTTPS, tls: {certificateRefs: [{group: x.y, kind: Secret, name: c}]}}]",
			[3]string{"Accepted", "NoConflicts", "InvalidCertificateRef"},
		},
		"client certificates are not let by unseen": {
			"  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}}\n" +
				"  listeners: [{name: l, port: 443, protocol: HTTPS}]",
			[3]string{"NoValidCACertificate", "NoConflicts", "InvalidCACertificateRef"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, g := theGateway(t, test.spec, "")
			l := g.Listeners[0]
			if got := [3]string{l.Accepted.Reason, l.Conflicted.Reason, l.ResolvedRefs.Reason}; got != test.want {
				t.Errorf("got %v, want %v: %+v", got, test.want, l)
			}
			if want := test.want == [3]string{"Accepted", "NoConflicts", "ResolvedRefs"} || test.want[2] == "InvalidRouteKinds"; l.Serves() != want {
				t.Errorf("serves: %v", l.Serves())
			}
		})
	}
}

func TestAListenerWithNoWayToACertificateIsDenied(t *testing.T) {
	t.Parallel()
	const listeners = "  listeners: [{name: l, port: 443, protocol: HTTPS, hostname: '*.example.net'}]"
	g, _ := theGateway(t, listeners, "")
	if denied := said(g, diagnostic.Deny); len(denied) != 1 || !strings.Contains(denied[0], "neither a certificate nor any way to get one") {
		t.Errorf("denied: %q", denied)
	}
}

func TestAGatewayWithAnIssuerHasTheCertificateThatAdmissionWouldName(t *testing.T) {
	t.Parallel()
	const manifest = `
kind: Gateway
metadata: {namespace: infra, name: g, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}
spec:
  gatewayClassName: gatewright
  listeners: [{name: l, port: 443, protocol: HTTPS, hostname: '*.example.net'}]`
	s := snapshotOf(append(objects(t, base), objects(t, manifest)...)...)
	l := listener(t, graph.Build(s), "l")
	if want := "Certificate example-net-tls cannot be issued: ClusterIssuer letsencrypt does not exist"; l.ResolvedRefs.Message != want {
		t.Errorf("without the Secret: %+v, want %s", l.ResolvedRefs, want)
	}
	if denied := said(graph.Build(s), diagnostic.Deny); len(denied) > 0 {
		t.Errorf("denied: %q", denied)
	}
	// Who may not read Secrets takes them for good.
	s.SecretsUnknown = true
	if l := listener(t, graph.Build(s), "l"); !l.ResolvedRefs.True || !l.Serves() {
		t.Errorf("with Secrets unknown: %+v", l.ResolvedRefs)
	}
}

func TestStaticAddresses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		addresses, annotation string
		want                  string
		problem               string
		denied                bool
	}{
		"one of each family":              {addresses: "[{value: 10.0.0.1}, {type: IPAddress, value: '2001:DB8::1'}]", want: "10.0.0.1,2001:db8::1"},
		"an empty one is for the asking":  {addresses: "[{type: IPAddress}]"},
		"two of one family":               {addresses: "[{value: 10.0.0.1}, {value: 10.0.0.2}]", want: "10.0.0.1,10.0.0.2", problem: "at most one IPv4"},
		"no address at all":               {addresses: "[{value: house}]", problem: `"house" is no IP address`},
		"an annotation that agrees":       {addresses: "[{value: 10.0.0.1}]", annotation: "10.0.0.1", want: "10.0.0.1"},
		"an annotation that contradicts":  {addresses: "[{value: 10.0.0.1}]", annotation: "10.0.0.2", want: "10.0.0.1", denied: true},
		"an annotation without addresses": {addresses: "[]", annotation: "10.0.0.2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := "  addresses: " + test.addresses
			if test.annotation != "" {
				spec += "\n  infrastructure: {annotations: {metallb.io/loadBalancerIPs: '" + test.annotation + "'}}"
			}
			g, gateway := theGateway(t, spec+listenHTTP, "")
			if got := strings.Join(gateway.Addresses, ","); got != test.want {
				t.Errorf("addresses %q, want %q", got, test.want)
			}
			problem := ""
			if gateway.AddressProblem != nil {
				problem = gateway.AddressProblem.String()
			}
			if (test.problem == "") != (problem == "") || !strings.Contains(problem, test.problem) {
				t.Errorf("problem %q", problem)
			}
			if denied := len(said(g, diagnostic.Deny)) > 0; denied != test.denied {
				t.Errorf("denied: %v", said(g, diagnostic.Deny))
			}
		})
	}
}

func TestTheGatewaysOwnConfigurationWinsFieldByField(t *testing.T) {
	t.Parallel()
	g := graph.Build(snapshotOf(objects(t, `
kind: GatewayClass
metadata: {name: gatewright}
spec:
  controllerName: gatewright.dev/gateway-controller
  parametersRef: {group: gatewright.dev, kind: GatewayConfig, namespace: sys, name: all}
---
kind: GatewayConfig
metadata: {namespace: sys, name: all}
spec: {replicas: 2, drainTimeout: 1h, service: {externalTrafficPolicy: Cluster, annotations: {a: class, b: class}}}
---
kind: GatewayConfig
metadata: {namespace: infra, name: own}
spec: {replicas: 3, service: {annotations: {b: gateway}}}
---
kind: Gateway
metadata: {namespace: infra, name: g}
spec:
  gatewayClassName: gatewright
  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: own}}
  listeners: [{name: http, port: 80, protocol: HTTP}]
`)...))
	c := g.Gateways[0].Config
	if c.Replicas != 3 || c.DrainTimeout.Hours() != 1 || c.TerminationGracePeriod.Minutes() != 5 ||
		*c.Spec.Service.ExternalTrafficPolicy != "Cluster" ||
		c.Spec.Service.Annotations["a"] != "class" || c.Spec.Service.Annotations["b"] != "gateway" {
		t.Errorf("config: %+v, service %+v", c, c.Spec.Service)
	}
}
