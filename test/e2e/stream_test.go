package e2e

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/test/cluster"
)

// nameServer is a Gateway that serves DNS over UDP alone, and the routes to the
// cluster's own DNS server.
const nameServer = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: names, name: dns}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: dns, port: 53, protocol: UDP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {namespace: kube-system, name: dns}
spec:
  parentRefs: [{namespace: names, name: dns}]
  rules: [{backendRefs: [{name: kube-dns, port: 53}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {namespace: kube-system, name: dns}
spec:
  parentRefs: [{namespace: names, name: dns, sectionName: dns-tcp}]
  rules: [{backendRefs: [{name: kube-dns, port: 53}]}]
`

// TestOneAddressServesDatagramsAndConnectionsAtOnePort adds TCP to a port that has
// UDP: the load balancer gives both at the address that it gave before.
func TestOneAddressServesDatagramsAndConnectionsAtOnePort(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "names")
	apply(t, nameServer)
	server, err := lab.GatewayAddress(t.Context(), types.NamespacedName{Namespace: "names", Name: "dns"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, resolves("udp", server))

	kubectl(t, "patch", "--namespace=names", "gateway", "dns", "--type=json", "--patch",
		`[{"op": "add", "path": "/spec/listeners/-", "value": {"name": "dns-tcp", "port": 53, "protocol": "TCP", "allowedRoutes": {"namespaces": {"from": "All"}}}}]`)
	eventually(t, resolves("tcp", server))
	// Each comes from a port of its own, so each is a session.
	for range 300 {
		if err := resolves("udp", server)(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	now, err := lab.GatewayAddress(t.Context(), types.NamespacedName{Namespace: "names", Name: "dns"})
	if err != nil || now != server {
		t.Errorf("the Gateway has the address %s, had %s: %v", now, server, err)
	}
}

// resolves asks for the API server's name, from the LAN.
func resolves(network, server string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := lab.Cluster.Network(cluster.Client).DialContext(ctx, network, net.JoinHostPort(server, "53"))
		if err != nil {
			return err
		}
		defer conn.Close()
		question := new(dns.Msg).SetQuestion("kubernetes.default.svc.cluster.local.", dns.TypeA)
		client := dns.Client{Net: network, Timeout: 2 * time.Second}
		answer, _, err := client.ExchangeWithConnContext(ctx, question, &dns.Conn{Conn: conn})
		if err != nil {
			return fmt.Errorf("ask %s over %s: %w", server, network, err)
		}
		if len(answer.Answer) != 1 {
			return fmt.Errorf("%s answers over %s: %s", server, network, answer)
		}
		return nil
	}
}
