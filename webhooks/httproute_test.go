package webhooks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// route is an HTTPRoute of namespace blog with the given rules.
func route(rules ...string) string {
	return routeTo("{name: home, namespace: infra}", rules...)
}

func routeTo(parent string, rules ...string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: whoami, namespace: blog}
spec:
  parentRefs: [%s]
  hostnames: [whoami.example.net]
  rules:
  - %s
`, parent, strings.Join(rules, "\n  - "))
}

const (
	goodRule   = `backendRefs: [{name: whoami, port: 80}]`
	badRegex   = `{matches: [{path: {type: RegularExpression, value: "/user/(\\d+"}}], backendRefs: [{name: whoami, port: 80}]}`
	worseRegex = `{matches: [{path: {type: RegularExpression, value: "/post/[a"}}], backendRefs: [{name: whoami, port: 80}]}`
	noService  = `{backendRefs: [{name: nowhere, port: 80}]}`
	upgrade    = `{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Upgrade, value: websocket}]}}], backendRefs: [{name: whoami, port: 80}]}`
)

func TestHTTPRouteValidation(t *testing.T) {
	t.Parallel()
	tests := map[string]judged{
		"a sound route passes without a word": {new: route(goodRule)},
		"a regex that nginx cannot compile is refused": {
			new:     route(badRegex),
			refusal: `spec.rules[0].matches[0].path.value: "/user/(\\d+" is no valid regular expression for nginx (PCRE2): missing ")" at offset 10: write \ before what is meant literally`,
		},
		"all faults are told at once": {
			new: route(badRegex, worseRegex),
			refusal: `spec.rules[0].matches[0].path.value: "/user/(\\d+" is no valid regular expression for nginx (PCRE2): missing ")" at offset 10: write \ before what is meant literally` + "\n" +
				`spec.rules[1].matches[0].path.value: "/post/[a" is no valid regular expression for nginx (PCRE2): missing "]" at offset 8: write \ before what is meant literally`,
		},
		"a Service that may still come is warned of": {
			new:      route(noService),
			warnings: []string{`spec.rules[0].backendRefs[0].name: Service "nowhere" not found in namespace "blog": create the Service, or mend the name`},
		},
		"a Gateway that may still come is warned of": {
			new:      routeTo("{name: nowhere, namespace: infra}", goodRule),
			warnings: []string{`spec.parentRefs[0]: Gateway "nowhere" not found in namespace "infra": name a Gateway that exists, with its namespace`},
		},
		"a route of another controller is not judged": {
			new: routeTo("{name: other, namespace: infra}", badRegex),
		},
		"a faulty route may be edited elsewhere": {
			old: route(badRegex),
			new: route(badRegex, goodRule),
		},
		"a faulty rule may move": {
			old: route(badRegex),
			new: route(goodRule, badRegex),
		},
		"a faulty route may be mended in part": {
			old: route(badRegex, worseRegex),
			new: route(worseRegex, goodRule),
		},
		"a faulty route may not get one fault more": {
			old:     route(badRegex),
			new:     route(badRegex, worseRegex),
			refusal: `spec.rules[1].matches[0].path.value: "/post/[a" is no valid regular expression for nginx (PCRE2): missing "]" at offset 8: write \ before what is meant literally`,
		},
		"the same fault a second time is one fault more": {
			old:     route(badRegex),
			new:     route(badRegex, badRegex),
			refusal: `spec.rules[1].matches[0].path.value: "/user/(\\d+" is no valid regular expression for nginx (PCRE2): missing ")" at offset 10: write \ before what is meant literally`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, cluster(t, theCluster, test.old), httpRouteValidatePath)
		})
	}
}

func TestHTTPRouteDefaulting(t *testing.T) {
	t.Parallel()
	marked := strings.Replace(route(upgrade), "namespace: blog}", `namespace: blog, annotations: {gatewright.dev/websocket: "0"}}`, 1)
	unmarkedNamed := strings.Replace(route(goodRule, upgrade), "- {filters", "- {name: live, filters", 1)

	tests := map[string]struct{ route, patch string }{
		"a route without an upgrade filter stays as it is": {route: route(goodRule)},
		"a route with an upgrade filter is marked with the rule's index": {
			route: route(upgrade),
			patch: `[{"op":"add","path":"/metadata/annotations","value":{"gatewright.dev/websocket":"0"}}]`,
		},
		"a named rule is marked by its name": {
			route: unmarkedNamed,
			patch: `[{"op":"add","path":"/metadata/annotations","value":{"gatewright.dev/websocket":"live"}}]`,
		},
		"a marked route stays as it is": {route: marked},
		"the mark goes with the filter": {
			route: strings.Replace(marked, upgrade, goodRule, 1),
			patch: `[{"op":"remove","path":"/metadata/annotations"}]`,
		},
		"a route whose Gateway may still come is marked": {
			route: routeTo("{name: nowhere}", upgrade),
			patch: `[{"op":"add","path":"/metadata/annotations","value":{"gatewright.dev/websocket":"0"}}]`,
		},
		"a route of another controller stays as it is": {
			route: routeTo("{name: other, namespace: infra}", upgrade),
		},
		"a mesh route stays as it is": {
			route: routeTo(`{group: "", kind: Service, name: whoami}`, upgrade),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := review(t, cluster(t, theCluster), httpRouteMutatePath, "", test.route)
			if !response.Allowed {
				t.Fatalf("refused: %v", response.Result)
			}
			if diff := cmp.Diff(test.patch, string(response.Patch)); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}
