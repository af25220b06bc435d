package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
)

// policy is a WebSocketPolicy in blog; the lines follow its metadata's name.
func policy(name, metadata, targets, timeout string) string {
	if timeout != "" {
		timeout = ", idleTimeout: " + timeout
	}
	return "\n---\nkind: WebSocketPolicy\nmetadata: {namespace: blog, name: " + name + metadata + "}\nspec: {targetRefs: [" + targets + "]" + timeout + "}"
}

const (
	wholeRoute = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: blog}"
	liveRule   = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: blog, sectionName: live}"
	generated  = ", labels: {gatewright.dev/generated: 'true'}"

	twoRules = `  rules:
  - {name: live, backendRefs: [{name: web, port: 80}]}
  - {matches: [{path: {value: /a}}], backendRefs: [{name: api, port: 80}]}`
)

func TestWhichPolicyHoldsForARule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policies string
		// live and other are the idle timeouts of the two rules.
		live, other time.Duration
		webSockets  [2]bool
	}{
		"none":                           {"", time.Hour, time.Hour, [2]bool{}},
		"that of the route":              {policy("p", "", wholeRoute, "2h"), 2 * time.Hour, 2 * time.Hour, [2]bool{true, true}},
		"that of the rule":               {policy("p", "", liveRule, "2h"), 2 * time.Hour, time.Hour, [2]bool{true, false}},
		"never means never":              {policy("p", "", wholeRoute, "0s"), 576 * time.Hour, 576 * time.Hour, [2]bool{true, true}},
		"the default is 1h":              {policy("p", "", wholeRoute, ""), time.Hour, time.Hour, [2]bool{true, true}},
		"one that is sound":              {policy("p", "", wholeRoute, "soon"), time.Hour, time.Hour, [2]bool{}},
		"the rule's rather":              {policy("a", "", wholeRoute, "2h") + policy("b", "", liveRule, "3h"), 3 * time.Hour, 2 * time.Hour, [2]bool{true, true}},
		"the older rather":               {policy("a", ", creationTimestamp: '2026-01-02T00:00:00Z'", wholeRoute, "2h") + policy("b", ", creationTimestamp: '2026-01-01T00:00:00Z'", wholeRoute, "3h"), 3 * time.Hour, 3 * time.Hour, [2]bool{true, true}},
		"the user's rather":              {policy("a", generated, wholeRoute, "1h") + policy("b", "", wholeRoute, "3h"), 3 * time.Hour, 3 * time.Hour, [2]bool{true, true}},
		"the user's, though it is wider": {policy("a", generated, liveRule, "1h") + policy("b", "", wholeRoute, "3h"), 3 * time.Hour, 3 * time.Hour, [2]bool{true, true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := onlyRoute(t, build(t, route(twoRules)+test.policies)).Rules
			if rules[0].IdleTimeout != test.live || rules[1].IdleTimeout != test.other {
				t.Errorf("timeouts %s and %s, want %s and %s", rules[0].IdleTimeout, rules[1].IdleTimeout, test.live, test.other)
			}
			if got := [2]bool{rules[0].WebSocket, rules[1].WebSocket}; got != test.webSockets {
				t.Errorf("websockets: %v", got)
			}
		})
	}
}

func TestWhatBecameOfAPolicy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policies string
		// want has a line for each ancestor of each policy.
		want []string
	}{
		"it holds":                          {policy("p", "", wholeRoute, ""), []string{"p infra/home Accepted"}},
		"another has the same target":       {policy("a", "", wholeRoute, "") + policy("b", "", wholeRoute, ""), []string{"a infra/home Accepted", `b infra/home Conflicted spec.targetRefs[0]: WebSocketPolicy "a" has the same target and wins: delete one of the two`}},
		"a rule and its route do not clash": {policy("a", "", wholeRoute, "") + policy("b", "", liveRule, ""), []string{"a infra/home Accepted", "b infra/home Accepted"}},
		"there is no such rule":             {policy("p", "", strings.ReplaceAll(liveRule, "live", "life"), ""), []string{`p infra/home TargetNotFound spec.targetRefs[0].sectionName: HTTPRoute "blog" has no rule named "life": did you mean "live"?`}},
		"there is no such route":            {policy("p", "", strings.ReplaceAll(wholeRoute, "name: blog", "name: blogg"), ""), []string{`p blog/blogg TargetNotFound spec.targetRefs[0].name: HTTPRoute "blogg" not found in namespace "blog": did you mean "blog"?`}},
		"its timeout is none":               {policy("p", "", wholeRoute, "soon"), []string{`p infra/home Invalid spec.idleTimeout: "soon" is no duration: write 90s, 5m or 1h30m for example`}},
		"it holds for one of two":           {policy("a", "", liveRule, "") + policy("b", "", liveRule+", "+wholeRoute, ""), []string{"a infra/home Accepted", "b infra/home Accepted"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range build(t, route(twoRules)+test.policies).Policies {
				for _, a := range p.Ancestors {
					of := a.Gateway
					if of.Name == "" {
						of = a.Target
					}
					line := p.Source.Name + " " + of.String() + " " + a.Accepted.Reason
					if !a.Accepted.True {
						line += " " + a.Accepted.Message
					}
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("ancestors (-want +got):\n%s", diff)
			}
		})
	}
}

const (
	askAtRule    = "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: UPGRADE, value: WebSocket}, {name: Connection, value: Upgrade}]}}]"
	askAtBackend = "backendRefs: [{name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: Upgrade, value: websocket}]}}]}]"
)

func TestRoutesThatAskForWebSocketsGetAPolicy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		manifest string
		mark     string
		// want are the policies' names and what they target.
		want []string
	}{
		"no filter asks": {rule("backendRefs: [{name: web, port: 80}]"), "", nil},
		"a rule asks":    {rule(askAtRule), "0", []string{"blog-websocket blog"}},
		"a backend asks": {rule(askAtBackend), "0", []string{"blog-websocket blog"}},
		"named rules ask": {
			route("  rules:\n  - {name: a, " + askAtRule + "}\n  - {name: b}\n  - {name: c, " + askAtBackend + "}"), "a,c",
			[]string{"blog-websocket blog/a blog/c"},
		},
		"a rule without name makes it the whole route": {
			route("  rules:\n  - {name: a, " + askAtRule + "}\n  - {" + askAtRule + "}"), "a,1",
			[]string{"blog-websocket blog"},
		},
		"a user's policy covers the route": {rule(askAtRule) + policy("mine", "", wholeRoute, ""), "0", []string{"blog-websocket blog"}},
		"a user's policy covers one rule": {
			route("  rules:\n  - {name: live, "+askAtRule+"}\n  - {name: b, "+askAtRule+"}") + policy("mine", "", liveRule, ""), "live,b",
			[]string{"blog-websocket blog/live blog/b"},
		},
		"the operator's own policy covers nothing": {
			rule(askAtRule) + policy("blog-websocket", generated, wholeRoute, ""), "0", []string{"blog-websocket blog"},
		},
		"a user's policy has the name": {
			rule(askAtRule) + policy("blog-websocket", "", strings.ReplaceAll(wholeRoute, "name: blog", "name: other"), ""), "0",
			[]string{"blog-websocket-6b0e0b6e blog"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := snapshotOf(append(objects(t, base), objects(t, test.manifest)...)...)
			g := graph.Build(s)
			if mark := graph.WebSocketRules(onlyRoute(t, g).HTTP); mark != test.mark {
				t.Errorf("mark %q, want %q", mark, test.mark)
			}
			var got []string
			for _, p := range graph.GeneratedPolicies(g, s) {
				got = append(got, p.Name+targets(p))
				owner := p.OwnerReferences[0]
				if p.Labels[v1alpha1.LabelGenerated] != "true" || owner.Name != "blog" || !*owner.Controller || *p.Spec.IdleTimeout != "1h" {
					t.Errorf("policy %+v", p)
				}
			}
			if diff := cmp.Diff(test.want, got, hashes); diff != "" {
				t.Errorf("policies (-want +got):\n%s", diff)
			}
		})
	}
}

// hashes compare equal whatever they are: that there is one is what counts.
var hashes = cmp.Transformer("withoutHash", func(s string) string {
	if name, rest, ok := strings.Cut(s, "-websocket-"); ok && len(rest) > 8 {
		return name + "-websocket-…" + rest[8:]
	}
	return s
})

func targets(p *v1alpha1.WebSocketPolicy) string {
	var all string
	for _, ref := range p.Spec.TargetRefs {
		all += " " + string(ref.Name)
		if ref.SectionName != nil {
			all += "/" + string(*ref.SectionName)
		}
	}
	return all
}

func TestTheOutcomeOfAWebSocketFilterDoesNotNeedTheMark(t *testing.T) {
	t.Parallel()
	unmarked := onlyRoute(t, build(t, rule(askAtRule+"\n    backendRefs: [{name: web, port: 80}]"))).Rules[0]
	marked := onlyRoute(t, build(t, strings.Replace(rule(askAtRule+"\n    backendRefs: [{name: web, port: 80}]"),
		"generation: 1", "generation: 1, annotations: {gatewright.dev/websocket: '0'}", 1))).Rules[0]
	if diff := cmp.Diff(unmarked, marked); diff != "" {
		t.Errorf("rules (-without +with the mark):\n%s", diff)
	}
	if !unmarked.WebSocket || len(unmarked.RequestHeaders) != 0 || unmarked.Invalid {
		t.Errorf("rule %+v", unmarked)
	}
}
