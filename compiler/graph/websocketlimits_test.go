package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/graph"
)

// policySpec is a WebSocketPolicy of the whole route, with more of its spec.
func policySpec(spec string) string {
	return "\n---\nkind: WebSocketPolicy\nmetadata: {namespace: blog, name: p}\nspec: {targetRefs: [" + wholeRoute + "], " + spec + "}"
}

func TestOriginsAreReadAsBrowsersWriteThem(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"https://ha.example.net":        "https://ha.example.net",
		"HTTPS://HA.Example.NET":        "https://ha.example.net",
		"https://ha.example.net:443":    "https://ha.example.net",
		"http://ha.example.net:443":     "http://ha.example.net:443",
		"http://ha.example.net:80":      "http://ha.example.net",
		"https://*.example.net:8443":    "https://*.example.net:8443",
		"http://*.lan":                  "http://*.lan",
		"http://localhost:3000":         "http://localhost:3000",
		"http://192.168.1.10:8123":      "http://192.168.1.10:8123",
		"http://[FD00:0:0::1]":          "http://[fd00::1]",
		"http://[fd00::1]:8123":         "http://[fd00::1]:8123",
		"https://xn--caf-dma.example":   "https://xn--caf-dma.example",
		"javascript:":                   "",
		"null":                          "",
		"*":                             "",
		"":                              "",
		"https://":                      "",
		"https://*":                     "",
		"https://*.*.com":               "",
		"https://a.*.com":               "",
		"https://*.192.168.1.10":        "",
		"https://ha.example.net/":       "",
		"https://me@ha.example.net":     "",
		"https://ha.example.net?x":      "",
		"https://ha.example.net:":       "",
		"https://ha.example.net:0":      "",
		"https://ha.example.net:65536":  "",
		"https://ha.example.net:443:80": "",
		"https://fd00::1":               "",
		"https://[fd00::1":              "",
		"https://[fd00::1%25eth0]":      "",
		"https://[::ffff:192.0.2.1]":    "",
		"https://[192.168.1.10]":        "",
		"https://café.example":          "",
		"https://ha.example.net\n":      "",
		"wss://ha.example.net":          "",
	} {
		t.Run(written, func(t *testing.T) {
			t.Parallel()
			g := build(t, rule("backendRefs: [{name: web, port: 80}]")+policySpec(fmt.Sprintf("allowedOrigins: [%q]", written)))
			limits := onlyRoute(t, g).Rules[0].WebSocketLimits
			var got []string
			for _, o := range limits.Origins {
				got = append(got, o.String())
			}
			if strings.Join(got, " ") != want || limits.Refused != (want == "") {
				t.Errorf("origins %q, refused %v, want %q", got, limits.Refused, want)
			}
		})
	}
}

func TestTheSameOriginCountsOnce(t *testing.T) {
	t.Parallel()
	g := build(t, rule("backendRefs: [{name: web, port: 80}]")+
		policySpec(`allowedOrigins: ["https://b.net", "https://a.net", "https://A.net:443"]`))
	want := []graph.Origin{{Scheme: "https", Host: "a.net"}, {Scheme: "https", Host: "b.net"}}
	if diff := cmp.Diff(want, onlyRoute(t, g).Rules[0].WebSocketLimits.Origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}

func TestWebSocketsAreCountedByTarget(t *testing.T) {
	t.Parallel()
	g := build(t, route(twoRules)+policySpec("maxConnections: 5")+
		"\n---\nkind: WebSocketPolicy\nmetadata: {namespace: blog, name: q}\nspec: {targetRefs: ["+liveRule+"], maxConnections: 2}")
	rules := onlyRoute(t, g).Rules
	want := []graph.WebSocketLimits{{Max: 2, Counter: "blog/blog/live"}, {Max: 5, Counter: "blog/blog"}}
	if diff := cmp.Diff(want, []graph.WebSocketLimits{rules[0].WebSocketLimits, rules[1].WebSocketLimits}); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

func TestAFaultyPolicyThatRestrictsKeepsEverybodyOut(t *testing.T) {
	t.Parallel()
	for spec, refused := range map[string]bool{
		`allowedOrigins: ["https://a.net"]`:                    false,
		`allowedOrigins: ["https://a.net"], idleTimeout: soon`: true,
		`allowedOrigins: ["https://a.net", "https://*.*.net"]`: true,
		`allowedOrigins: []`:                                   true,
		`maxConnections: 0`:                                    true,
		`maxConnections: 65536`:                                true,
		`maxConnections: 65535`:                                false,
		`maxConnections: 1, drainTimeout: -1s`:                 true,
		`drainTimeout: -1s`:                                    false,
		`idleTimeout: 5m`:                                      false,
	} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			g := build(t, rule("backendRefs: [{name: web, port: 80}]")+policySpec(spec))
			if got := onlyRoute(t, g).Rules[0].WebSocketLimits.Refused; got != refused {
				t.Errorf("refused: %v", got)
			}
		})
	}
}

func TestPoliciesRaiseTheDrainTimesOfTheirGateway(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]struct{ drain, grace, pod time.Duration }{
		`idleTimeout: 2h`:      {24 * time.Hour, 5 * time.Minute, time.Hour},
		`drainTimeout: 1m`:     {24 * time.Hour, 5 * time.Minute, time.Hour},
		`drainTimeout: 30m`:    {24 * time.Hour, 30 * time.Minute, time.Hour},
		`drainTimeout: 30h`:    {30 * time.Hour, time.Hour, time.Hour},
		`drainTimeout: 10000h`: {576 * time.Hour, time.Hour, time.Hour},
		`drainTimeout: "soon"`: {24 * time.Hour, 5 * time.Minute, time.Hour},
		`drainTimeout: -30h`:   {24 * time.Hour, 5 * time.Minute, time.Hour},
	} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			c := build(t, rule("backendRefs: [{name: web, port: 80}]")+policySpec(spec)).Gateways[0].Config
			if c.DrainTimeout != want.drain || c.TerminationGracePeriod != want.grace || c.PodGracePeriod != want.pod {
				t.Errorf("drain %s, grace %s, pod %s, want %+v", c.DrainTimeout, c.TerminationGracePeriod, c.PodGracePeriod, want)
			}
		})
	}
}
