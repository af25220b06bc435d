package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/graph"
)

// openGateway is the Gateway infra/open, which lets all ListenerSets in.
const openGateway = `
kind: Gateway
metadata: {namespace: infra, name: open, annotations: {cert-manager.io/cluster-issuer: letsencrypt, cert-manager.io/issuer-group: example.org}}
spec:
  gatewayClassName: gatewright
  allowedListeners: {namespaces: {from: All}}
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: open.example.net}
`

// listenerSet is a ListenerSet of that Gateway, created in the year 2000 or so
// many years later.
func listenerSet(name string, years int, listeners ...string) string {
	namespace, name, _ := strings.Cut(name, "/")
	return fmt.Sprintf(`
---
kind: ListenerSet
metadata: {namespace: %s, name: %s, creationTimestamp: "%d-01-01T00:00:00Z"}
spec:
  parentRef: {namespace: infra, name: open}
  listeners:
  - %s
`, namespace, name, 2000+years, strings.Join(listeners, "\n  - "))
}

// theOpenGateway builds that Gateway with ListenerSets.
func theOpenGateway(t *testing.T, sets ...string) *graph.Gateway {
	t.Helper()
	for _, g := range build(t, openGateway+strings.Join(sets, "")).Gateways {
		if g.Source.Name == "open" {
			return g
		}
	}
	t.Fatal("the Gateway is not in the graph")
	return nil
}

func TestTheGatewayComesFirstAndThenTheOldestListenerSet(t *testing.T) {
	t.Parallel()
	const one = "{name: http, port: 80, protocol: HTTP, hostname: %s.example.net}"
	g := theOpenGateway(t,
		listenerSet("b/late", 2, fmt.Sprintf(one, "late")), listenerSet("b/b", 1, fmt.Sprintf(one, "b")),
		listenerSet("a/c", 1, fmt.Sprintf(one, "c")), listenerSet("z/early", 0, fmt.Sprintf(one, "early")))
	var order []string
	for i, l := range g.Listeners {
		order = append(order, l.Called())
		if l.Position != i {
			t.Errorf("%s is at %d, and says %d", l.Called(), i, l.Position)
		}
	}
	want := []string{
		`listener "http"`, `listener "http" of ListenerSet z/early`, `listener "http" of ListenerSet a/c`,
		`listener "http" of ListenerSet b/b`, `listener "http" of ListenerSet b/late`,
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if own := g.OwnListeners(); len(own) != 1 || own[0].Owner.Kind != "Gateway" {
		t.Errorf("%d own listeners", len(own))
	}
}

func TestWhoKeepsAPortAndAHostname(t *testing.T) {
	t.Parallel()
	const (
		early = "{name: x, port: 80, protocol: HTTP, hostname: x.example.net}"
		other = "{name: y, port: 80, protocol: HTTP, hostname: y.example.net}"
		https = "{name: z, port: 80, protocol: HTTPS, hostname: z.example.net, tls: {certificateRefs: [{name: z}]}}"
	)
	tests := map[string]struct {
		sets []string
		// want is the reason of Accepted of each listener, those of ListenerSets
		// after the Gateway's.
		want []string
	}{
		"all that differ":      {sets: []string{listenerSet("a/a", 1, early), listenerSet("a/b", 2, other)}, want: []string{"Accepted", "Accepted"}},
		"the older one":        {sets: []string{listenerSet("a/a", 2, early), listenerSet("a/b", 1, early)}, want: []string{"Accepted", "HostnameConflict"}},
		"the Gateway":          {sets: []string{listenerSet("a/a", 1, strings.Replace(early, "x.ex", "open.ex", 1))}, want: []string{"HostnameConflict"}},
		"hostnames in letters": {sets: []string{listenerSet("a/a", 1, early), listenerSet("a/b", 2, strings.Replace(early, "x.ex", "X.ex", 1))}, want: []string{"Accepted", "HostnameConflict"}},
		"whoever speaks first": {sets: []string{listenerSet("a/a", 1, https, other)}, want: []string{"ProtocolConflict", "Accepted"}},
		"neither of one object": {
			sets: []string{listenerSet("a/a", 1, strings.ReplaceAll(https, "80", "90"), strings.ReplaceAll(other, "80", "90"), early)},
			want: []string{"ProtocolConflict", "ProtocolConflict", "Accepted"},
		},
		"nobody by having lost": {
			sets: []string{listenerSet("a/a", 1, strings.Replace(other, "y.ex", "open.ex", 1)), listenerSet("a/b", 2, other)},
			want: []string{"HostnameConflict", "Accepted"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := theOpenGateway(t, test.sets...)
			if !g.Listeners[0].Accepted.True {
				t.Errorf("the Gateway's own: %+v", g.Listeners[0].Accepted)
			}
			var got []string
			for _, l := range g.Listeners[1:] {
				got = append(got, l.Accepted.Reason)
				if l.Conflicted.True != strings.HasSuffix(l.Accepted.Reason, "Conflict") {
					t.Errorf("%s: conflicted %+v, accepted %+v", l.Called(), l.Conflicted, l.Accepted)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingIsToldOfAnotherNamespacesListenerSet(t *testing.T) {
	t.Parallel()
	const taken = "{name: hidden, port: 80, protocol: HTTP, hostname: x.example.net}"
	g := theOpenGateway(t, listenerSet("secret/older", 1, taken), listenerSet("a/younger", 2, strings.Replace(taken, "hidden", "mine", 1)))
	message := g.Listeners[2].Conflicted.Message
	if strings.Contains(message, "secret") || strings.Contains(message, "older\"") || strings.Contains(message, "hidden") {
		t.Errorf("it says %s", message)
	}
	if !strings.Contains(message, "an older ListenerSet of the same Gateway") {
		t.Errorf("it does not say why: %s", message)
	}
}

func TestWhereTheIssuerOfAListenerSetComesFrom(t *testing.T) {
	t.Parallel()
	const https = "{name: https, port: 443, protocol: HTTPS, hostname: x.example.net}"
	tests := map[string]struct{ annotations, want string }{
		"of the Gateway":                         {"{}", "ClusterIssuer letsencrypt cert-manager.io"},
		"its own, with the group that is shared": {"{cert-manager.io/issuer: mine, cert-manager.io/issuer-group: ignored.org}", "Issuer mine example.org"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifest := strings.Replace(listenerSet("a/a", 1, https), "name: a,", "name: a, annotations: "+test.annotations+",", 1)
			g := build(t, openGateway+manifest)
			if len(g.Issuances) != 1 {
				t.Fatalf("%d issuances", len(g.Issuances))
			}
			i := g.Issuances[0]
			if got := i.Issuer.Kind + " " + i.Issuer.Name + " " + i.Issuer.Group; got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if i.Key.String() != "a/x-example-net-tls" || len(i.Owners) != 1 || i.Owners[0].Kind != "ListenerSet" {
				t.Errorf("%s of %+v", i.Key, i.Owners)
			}
		})
	}
}

func TestSecretsOfListenerSetsCountOnlyIfTheGatewayLetsThemIn(t *testing.T) {
	t.Parallel()
	set := listenerSet("a/a", 1, "{name: https, port: 443, protocol: HTTPS, hostname: x.example.net, tls: {certificateRefs: [{name: x}, {name: y, namespace: b}]}}")
	for gateway, want := range map[string]int{openGateway: 2, strings.Replace(openGateway, "from: All", "from: Same", 1): 0} {
		s := snapshotOf(objects(t, gateway+set)...)
		g, _ := s.Gateways.Get("infra", "open")
		if got := graph.CertificateSecrets(g, s); len(got) != want {
			t.Errorf("%v, want %d", got, want)
		}
	}
}

func TestListenersOfAListenerSetAskForTheGatewaysClientCertificates(t *testing.T) {
	t.Parallel()
	gateway := strings.Replace(openGateway, "  listeners:", "  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: \"\", kind: ConfigMap, name: hidden}]}}}}\n  listeners:", 1)
	g := build(t, gateway+listenerSet("a/a", 1, "{name: https, port: 443, protocol: HTTPS, hostname: x.example.net, tls: {certificateRefs: [{name: x}]}}"))
	set := g.ListenerSets[0]
	if set.Accepted.True || set.Listeners[0].Accepted.True {
		t.Errorf("a listener without authorities is accepted: %+v", set.Listeners[0].Accepted)
	}
	for _, d := range g.Diagnostics {
		if d.Object.Kind == "ListenerSet" && strings.Contains(d.String(), "hidden") {
			t.Errorf("the ListenerSet is told of the Gateway's references: %s", d)
		}
	}
}
