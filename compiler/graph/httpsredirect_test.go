package graph_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/graph"
)

// switchedOn is a Gateway with the redirect, an HTTP listener of the hostname
// and more listeners.
func switchedOn(config, hostname, listeners string) string {
	return fmt.Sprintf(`
kind: GatewayClass
metadata: {name: gatewright}
spec:
  controllerName: gatewright.dev/gateway-controller
  parametersRef: {group: gatewright.dev, kind: GatewayConfig, namespace: infra, name: all}
---
kind: GatewayConfig
metadata: {namespace: infra, name: all}
spec: {httpsRedirect: {%s}}
---
kind: Gateway
metadata: {namespace: infra, name: g}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: %q}
%s`, config, hostname, listeners)
}

func TestWhereHTTPListenersRedirectTo(t *testing.T) {
	t.Parallel()
	const (
		on     = "enabled: true"
		secure = "  - {name: https%d, port: %d, protocol: HTTPS, hostname: %q}\n"
	)
	any443 := fmt.Sprintf(secure, 1, 443, "")
	wild443 := fmt.Sprintf(secure, 2, 443, "*.example.net")
	wild8443 := fmt.Sprintf(secure, 3, 8443, "*.example.net")
	one9443 := fmt.Sprintf(secure, 4, 9443, "ha.example.net")
	for name, test := range map[string]struct {
		config, hostname, listeners string
		code                        int
		want                        []graph.HTTPSTarget
	}{
		"switched off":                 {"enabled: false", "", any443, 0, nil},
		"no HTTPS listener":            {on, "", "", 0, nil},
		"no HTTPS listener of its own": {on, "example.org", wild443, 0, nil},
		"an excepted listener":         {on + ", exceptListeners: [http]", "", any443, 0, nil},
		"any host":                     {on, "", any443, 301, []graph.HTTPSTarget{{Port: 443}}},
		"another status":               {on + ", statusCode: 308", "", any443, 308, []graph.HTTPSTarget{{Port: 443}}},
		"within the listener's host":   {on, "ha.example.net", wild8443, 301, []graph.HTTPSTarget{{Hostname: "ha.example.net", Port: 8443}}},
		"the port that clients know":   {on, "", wild8443 + wild443, 301, []graph.HTTPSTarget{{Hostname: "*.example.net", Port: 443}}},
		"the most specific first": {on, "", any443 + wild8443 + one9443, 301, []graph.HTTPSTarget{
			{Hostname: "ha.example.net", Port: 9443}, {Hostname: "*.example.net", Port: 8443}, {Port: 443},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := graph.Build(snapshotOf(objects(t, switchedOn(test.config, test.hostname, test.listeners))...)).Gateways[0]
			var want *graph.HTTPSRedirect
			if test.want != nil {
				want = &graph.HTTPSRedirect{Code: test.code, Targets: test.want}
			}
			if diff := cmp.Diff(want, g.Listeners[0].HTTPSRedirect); diff != "" {
				t.Errorf("redirect (-want +got):\n%s", diff)
			}
			for _, l := range g.Listeners[1:] {
				if l.HTTPSRedirect != nil {
					t.Errorf("the HTTPS listener %s redirects, too", l.Source.Name)
				}
			}
		})
	}
}

func TestAGatewayCanTakeTheRedirectBack(t *testing.T) {
	t.Parallel()
	manifest := switchedOn("enabled: true", "", "  - {name: https, port: 443, protocol: HTTPS}\n") + `
  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: own}}
---
kind: GatewayConfig
metadata: {namespace: infra, name: own}
spec: {httpsRedirect: {enabled: false}}
`
	g := graph.Build(snapshotOf(objects(t, manifest)...)).Gateways[0]
	if !g.Accepted.True || g.Listeners[0].HTTPSRedirect != nil {
		t.Errorf("accepted: %+v, redirect: %+v", g.Accepted, g.Listeners[0].HTTPSRedirect)
	}
}

func TestChallengesAreToldFromOtherPaths(t *testing.T) {
	t.Parallel()
	const challenge = "/.well-known/acme-challenge"
	for m, want := range map[*graph.Match]bool{
		{PathKind: graph.PathExact, Path: challenge + "/token"}:    true,
		{PathKind: graph.PathPrefix, Path: challenge}:              true,
		{PathKind: graph.PathPrefix, Path: challenge + "/"}:        true,
		{PathKind: graph.PathPrefix, Path: "/"}:                    false,
		{PathKind: graph.PathPrefix, Path: "/.well-known"}:         false,
		{PathKind: graph.PathExact, Path: challenge + "s"}:         false,
		{PathKind: graph.PathRegex, Path: challenge + "/.*"}:       false,
		{PathKind: graph.PathExact, Path: "/x" + challenge + "/t"}: false,
	} {
		if got := m.IsChallenge(); got != want {
			t.Errorf("%+v: %v", *m, got)
		}
	}
}
