package lint

import (
	"fmt"
	"strings"
	"testing"
)

// streamRoute is a route of streams, without anything that it refers to.
func streamRoute(kind, name, parentRef, backendRef string) string {
	hostnames := ""
	if kind == "TLSRoute" {
		hostnames = "\n  hostnames: [a.example.net]"
	}
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: %s
metadata: {name: %s, namespace: dns}
spec:
  parentRefs: [{name: home, namespace: infra%s}]%s
  rules: [{backendRefs: [%s]}]
---
`, kind, name, parentRef, hostnames, backendRef)
}

func TestRoutesOfStreamsAreSoundByThemselves(t *testing.T) {
	t.Parallel()
	const backend = "{name: dns, port: 53}"
	tests := map[string]string{
		"TLS":                          streamRoute("TLSRoute", "a", "", backend),
		"TLS at a named listener":      streamRoute("TLSRoute", "a", ", sectionName: tls", backend),
		"TCP beside HTTP":              route + streamRoute("TCPRoute", "a", "", backend),
		"TCP and UDP at one port":      streamRoute("TCPRoute", "a", ", port: 53", backend) + streamRoute("UDPRoute", "a", ", port: 53", backend),
		"UDP at a named listener":      streamRoute("UDPRoute", "a", ", sectionName: dns, port: 53", backend),
		"UDP to another namespace":     streamRoute("UDPRoute", "a", "", "{name: dns, namespace: kube-system, port: 53}"),
		"TCP at a ListenerSet":         streamRoute("TCPRoute", "a", ", kind: ListenerSet, sectionName: one", backend),
		"two kinds at named listeners": streamRoute("TCPRoute", "a", ", sectionName: one", backend) + streamRoute("TLSRoute", "a", ", sectionName: two", backend),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Of(decode(text), ours)
			if r.Summary.Denied+r.Summary.Warnings+r.Summary.Unreadable > 0 {
				t.Errorf("lint says:\n%s", r.text())
			}
		})
	}
}

func TestWhatIsWrongWithAStreamIsToldAtItsLine(t *testing.T) {
	t.Parallel()
	text := lines(Of(decode(gateway+streamRoute("TCPRoute", "a", "", "{name: dns, port: 53}")), ours))
	want := "TCPRoute dns/a: spec.parentRefs[0]: no listener of Gateway infra/home allows TCPRoutes of namespace \"dns\": routes of kind TCPRoute need a listener of protocol TCP [not-allowed-by-listeners]"
	if !strings.Contains(text, want) {
		t.Errorf("lint says:\n%s", text)
	}
}
