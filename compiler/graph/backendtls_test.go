package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// encrypt is a BackendTLSPolicy of namespace blog, for targets of Services, that
// trusts the authorities of the system. Policies with lower ages are older.
func encrypt(name string, age int, hostname, targets string) string {
	return fmt.Sprintf(`
---
kind: BackendTLSPolicy
metadata: {namespace: blog, name: %s, generation: 1, creationTimestamp: "2026-01-%02dT00:00:00Z"}
spec:
  targetRefs: [%s]
  validation: {hostname: %s, wellKnownCACertificates: System}
`, name, age, targets, hostname)
}

const (
	wholeWeb = `{group: "", kind: Service, name: web}`
	webHTTP  = `{group: "", kind: Service, name: web, sectionName: http}`
	toWeb    = "{backendRefs: [{name: web, port: 80}]}"
)

func TestWhichBackendTLSPolicyHolds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policies string
		// hostname that is asked for; empty for plain text.
		hostname string
		accepted map[string]string
	}{
		"none": {},
		"the one of the Service": {
			encrypt("a", 1, "a.example.net", wholeWeb), "a.example.net", map[string]string{"a": "Accepted"},
		},
		"the port's own, though it is younger": {
			encrypt("a", 1, "a.example.net", wholeWeb) + encrypt("b", 2, "b.example.net", webHTTP), "b.example.net",
			map[string]string{"a": "Accepted", "b": "Accepted"},
		},
		"the older of two": {
			encrypt("a", 2, "a.example.net", wholeWeb) + encrypt("b", 1, "b.example.net", wholeWeb), "b.example.net",
			map[string]string{"a": "Conflicted", "b": "Accepted"},
		},
		"the first by name of two that are as old": {
			encrypt("b", 1, "b.example.net", webHTTP) + encrypt("a", 1, "a.example.net", webHTTP), "a.example.net",
			map[string]string{"a": "Accepted", "b": "Conflicted"},
		},
		"none, where the port has another name": {
			encrypt("a", 1, "a.example.net", `{group: "", kind: Service, name: web, sectionName: https}`), "",
			map[string]string{"a": "TargetNotFound"},
		},
		"none of another Service": {encrypt("a", 1, "a.example.net", `{group: "", kind: Service, name: api}`), "", nil},
		"none of another kind":    {encrypt("a", 1, "a.example.net", `{group: example.net, kind: Bucket, name: web}`), "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(t, rule(toWeb)+test.policies)
			hostname := ""
			if tls := onlyRoute(t, g).Rules[0].Upstream.TLS; tls != nil {
				hostname = tls.Hostname
			}
			if hostname != test.hostname {
				t.Errorf("asks for %q, want %q", hostname, test.hostname)
			}
			var accepted map[string]string
			for _, p := range g.BackendTLSPolicies {
				if accepted == nil {
					accepted = map[string]string{}
				}
				for _, a := range p.Ancestors {
					accepted[p.Source.Name] += a.Accepted.Reason
				}
			}
			if diff := cmp.Diff(test.accepted, accepted); diff != "" {
				t.Errorf("policies (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFaultyPolicyHoldsAllTheSame(t *testing.T) {
	t.Parallel()
	faulty := encrypt("a", 1, `"*.example.net"`, webHTTP)
	for name, policies := range map[string]string{
		"alone":                                  faulty,
		"before a younger one for the same port": faulty + encrypt("b", 2, "b.example.net", webHTTP),
		"before an older one for the whole Service": encrypt("b", 1, "b.example.net", wholeWeb) + faulty,
	} {
		u := onlyRoute(t, build(t, rule(toWeb)+policies)).Rules[0].Upstream
		if !u.Refused || u.TLS != nil {
			t.Errorf("%s: requests are sent to %s", name, u.ID)
		}
	}
}

// The endpoints of an upstream reach nginx before its new configuration does.
// So one that spoke plain text must not get those of a policy that was mended.
func TestNothingIsSentInPlainTextWhenAPolicyIsMended(t *testing.T) {
	t.Parallel()
	for name, backends := range map[string]string{
		"one backend":      "[{name: web, port: 80}]",
		"several backends": "[{name: web, port: 80}, {name: api, port: 80}]",
		"a spare backend":  "[{name: web, port: 80}, {name: api, port: 80, weight: 0}]",
	} {
		r := onlyRoute(t, build(t, rule("{backendRefs: "+backends+"}")+encrypt("a", 1, `"*.example.net"`, wholeWeb))).Rules[0]
		if r.Hop == nil && !r.Upstream.Refused {
			t.Errorf("%s: nginx asks for the endpoints of %s, in plain text", name, r.Upstream.ID)
		}
	}
}

func TestWhatNginxCannotEncryptTakesTheHop(t *testing.T) {
	t.Parallel()
	named := strings.ReplaceAll(encrypt("a", 1, "a.example.net", wholeWeb), "System}", "System, subjectAltNames: [{type: URI, uri: spiffe://example.net/a}]}")
	tests := map[string]struct {
		backends, policies string
		hop                bool
	}{
		"plain text":                         {"[{name: web, port: 80}, {name: api, port: 80}]", "", false},
		"one backend":                        {"[{name: web, port: 80}]", encrypt("a", 1, "a.example.net", wholeWeb), false},
		"one backend with alternative names": {"[{name: web, port: 80}]", named, true},
		"two backends, one in plain text":    {"[{name: web, port: 80}, {name: api, port: 80}]", encrypt("a", 1, "a.example.net", wholeWeb), true},
		"two of which one gets nothing":      {"[{name: api, port: 80}, {name: web, port: 80, weight: 0}]", encrypt("a", 1, "a.example.net", wholeWeb), false},
	}
	for name, test := range tests {
		r := onlyRoute(t, build(t, rule("{backendRefs: "+test.backends+"}")+test.policies)).Rules[0]
		if (r.Hop != nil) != test.hop {
			t.Errorf("%s: takes the hop: %v", name, r.Hop != nil)
		}
	}
}

func TestAPolicyIsJudgedForEachGateway(t *testing.T) {
	t.Parallel()
	const second = `
---
kind: Gateway
metadata: {namespace: infra, name: away}
spec:
  gatewayClassName: gatewright
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
`
	manifest := strings.Replace(rule(toWeb), "[{namespace: infra, name: home}]", "[{namespace: infra, name: home}, {namespace: infra, name: away}]", 1)
	g := build(t, manifest+second+encrypt("a", 1, "a.example.net", wholeWeb))
	var got []string
	for _, a := range g.BackendTLSPolicies[0].Ancestors {
		got = append(got, fmt.Sprint(a.Gateway, " ", a.Accepted.True, " ", a.ResolvedRefs.True))
	}
	if diff := cmp.Diff([]string{"infra/away true true", "infra/home true true"}, got); diff != "" {
		t.Errorf("ancestors (-want +got):\n%s", diff)
	}
}

func TestCopiesForABackendThatNobodyCanTrustAreNotMade(t *testing.T) {
	t.Parallel()
	g := build(t, rule(`{backendRefs: [{name: api, port: 80}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}]}`)+
		encrypt("a", 1, `"*.example.net"`, wholeWeb))
	r := onlyRoute(t, g).Rules[0]
	if !r.Mirrors[0].Upstream.Refused || r.Upstream.Refused || r.Invalid {
		t.Error("copies are sent, or the rule does not serve")
	}
}
