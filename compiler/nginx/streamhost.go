package nginx

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// Stream is what becomes of a connection that nginx passes on without a look at
// the requests in it.
type Stream struct {
	// Listener has the connection; nil where no listener of the port has the
	// server name, and it is closed.
	Listener *graph.Listener
	// Route and Rule are nil where no route has it, and it is closed.
	Route *graph.Route
	Rule  *graph.Rule
}

// StreamAt returns what becomes of a connection to the port, with the server
// name of its TLS handshake, empty for none; false where a listener for HTTP
// gets it, or nobody.
func StreamAt(g *graph.Gateway, number int32, name string) (Stream, bool) {
	for _, l := range plainListeners(g) {
		if l.Source.Port == number && l.Source.Protocol == gatewayv1.TCPProtocolType {
			return streamOf(l, ""), true
		}
	}
	for _, p := range fronts(g) {
		if p.number != number {
			continue
		}
		names, owners := p.hostnames()
		server, found := serverName(names, name)
		if !found {
			return Stream{}, true
		}
		owner := owners[server]
		return streamOf(owner, server), owner.IsStream()
	}
	return Stream{}, false
}

func streamOf(l *graph.Listener, hostname string) Stream {
	route, rule := l.StreamRule(hostname)
	return Stream{Listener: l, Route: route, Rule: rule}
}

// ListensForStreams returns the TCP ports of listeners of protocol TLS, and of
// those of protocol TCP; sorted.
func ListensForStreams(g *graph.Gateway) (tls, plain []int32) {
	for _, p := range fronts(g) {
		tls = append(tls, p.number)
	}
	for _, l := range plainListeners(g) {
		if l.Source.Protocol == gatewayv1.TCPProtocolType {
			plain = append(plain, l.Source.Port)
		}
	}
	return tls, plain
}
