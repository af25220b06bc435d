package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/manifest"
	"github.com/gatewright/gatewright/premise"
)

var ours = premise.Options{Classes: []string{"gatewright"}}

func decode(text string) manifest.Manifests {
	return manifest.Decode("home.yaml", []byte(text), manifest.Options{Namespace: "default"})
}

const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: home, namespace: infra}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
`

const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: whoami, namespace: blog}
spec:
  parentRefs:
  - {name: home, namespace: infra}
  rules:
  - backendRefs:
    - {name: whoami, port: 80}
---
`

const listenerSet = `apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: own, namespace: blog}
spec:
  parentRef: {name: home, namespace: infra}
  listeners:
  - {name: https, port: 443, protocol: HTTPS, hostname: a.example.net, tls: {certificateRefs: [{name: a, namespace: vault}]}}
---
`

// lines are the report as text, without the sum.
func lines(r Report) string {
	text := r.text()
	return text[:strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n')+1]
}

func TestTheTextPointsAtLines(t *testing.T) {
	t.Parallel()
	r := Of(decode(`# Routes of the blog.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: whoami, namespace: blog}
spec:
  parentRefs:
  - name: home
    namespace: infra
  rules:
  - matches:
    - path:
        type: RegularExpression
        value: "(^/api"
    - headers:
      - {name: a, value: b}
      - {name: A, value: c}
    backendRefs:
    - {name: whoami, port: 80}
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: typo}
spec: {rule: []}
---
a: b
---
apiVersion: v1
kind: Pod
`), ours)
	want := `home.yaml:23: error: HTTPRoute default/typo: unknown field "spec.rule" [unreadable]
home.yaml:13: error: HTTPRoute blog/whoami: spec.rules[0].matches[0].path.value: "(^/api" is no valid regular expression for nginx (PCRE2): missing ")" at offset 6: write \ before what is meant literally [invalid-regex]
home.yaml:16: warning: HTTPRoute blog/whoami: spec.rules[0].matches[1].headers[1].name: header "A" is matched already, so this is ignored: keep one of them [duplicate-match]
home.yaml:25: note: no Kubernetes manifest: it has no apiVersion and kind
note: not among the manifests, and taken to exist: Gateway infra/home, Service blog/whoami
2 errors, 1 warning: 1 object judged, 1 of other kinds
`
	if diff := cmp.Diff(want, r.text()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Summary{Denied: 1, Warnings: 1, Unreadable: 1, Judged: 1, Others: 1}, r.Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

const (
	wildcard = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: home, namespace: infra, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}
spec:
  gatewayClassName: gatewright
  listeners: [{name: tls, port: 443, protocol: HTTPS, hostname: "*.example.net"}]
---
`
	http01Issuer = `apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: letsencrypt}
spec: {acme: {server: https://acme.example.org, privateKeySecretRef: {name: key}, solvers: [{http01: {gatewayHTTPRoute: {}}}]}}
`
)

// TestWhatManifestsLeaveToOthers holds what is taken to exist, and what is not.
func TestWhatManifestsLeaveToOthers(t *testing.T) {
	t.Parallel()
	const (
		service = "apiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: blog}\nspec: {ports: [{port: 80}]}\n---\n"
		assumes = "note: not among the manifests, and taken to exist: "
	)
	selecting := strings.Replace(gateway, "from: All", "from: Selector, selector: {matchLabels: {routes: mine}}", 1)
	tests := map[string]struct {
		text    string
		options premise.Options
		want    string
	}{
		"nothing is missing of what the manifests do not speak of": {
			text: route, options: ours, want: assumes + "Gateway infra/home, Service blog/whoami\n",
		},
		"a Service is missing beside others of its namespace": {
			text: gateway + service + route, options: ours,
			want: "home.yaml:22: warning: HTTPRoute blog/whoami: spec.rules[0].backendRefs[0].name: Service \"whoami\" not found in namespace \"blog\": create the Service, or mend the name [backend-not-found]\n",
		},
		"a Gateway is missing beside others of its namespace": {
			text: gateway + strings.Replace(route, "name: home", "name: hoem", 1), options: ours,
			want: "home.yaml:14: warning: HTTPRoute blog/whoami: spec.parentRefs[0]: Gateway \"hoem\" not found in namespace \"infra\": name a Gateway that exists, with its namespace [parent-not-found]\n" +
				assumes + "Service blog/whoami\n",
		},
		"all is missing of complete manifests": {
			text: route, options: premise.Options{Complete: true},
			want: "home.yaml:6: warning: HTTPRoute blog/whoami: spec.parentRefs[0]: Gateway \"home\" not found in namespace \"infra\": name a Gateway that exists, with its namespace [parent-not-found]\n",
		},
		"routes that name listeners of one Gateway do not clash": {
			text: strings.Replace(route, "{name: home,", "{name: home, sectionName: a,", 1) +
				strings.NewReplacer("{name: home,", "{name: home, sectionName: b,", "metadata: {name: whoami", "metadata: {name: other").Replace(route),
			options: ours, want: assumes + "Gateway infra/home, Service blog/whoami\n",
		},
		"routes that say the same do, and the later one loses": {
			text: route + strings.Replace(route, "metadata: {name: whoami", "metadata: {name: also", 1), options: ours,
			want: "home.yaml:18: warning: HTTPRoute blog/also: spec.rules[0].matches[0]: HTTPRoute blog/whoami is older, has the same match for any hostname and gets the requests: change the match or delete one of the routes [shadowed-match]\n" +
				assumes + "Gateway infra/home, Service blog/whoami\n",
		},
		"a namespace has the labels that a Gateway asks for": {
			text: selecting + route, options: ours, want: assumes + "Service blog/whoami\n",
		},
		"unless it is given without them": {
			text:    "apiVersion: v1\nkind: Namespace\nmetadata: {name: blog}\n---\n" + selecting + route,
			options: ours,
			want: "home.yaml:18: warning: HTTPRoute blog/whoami: spec.parentRefs[0]: no listener of Gateway infra/home allows HTTPRoutes of namespace \"blog\": change the listener's allowedRoutes (allowedRoutes.namespaces.from is Same unless written otherwise) [not-allowed-by-listeners]\n" +
				assumes + "Service blog/whoami\n",
		},
		"a namespace that is not spoken of consents": {
			text: gateway + strings.Replace(route, "{name: whoami, port", "{name: db, namespace: prod, port", 1), options: ours,
			want: assumes + "ReferenceGrant prod/HTTPRoutes-of-blog-to-Services, Service prod/db\n",
		},
		"one that is spoken of does not": {
			text: gateway + strings.Replace(service, "blog", "prod", 1) +
				strings.Replace(route, "{name: whoami, port", "{name: other, namespace: prod, port", 1), options: ours,
			want: "home.yaml:22: warning: HTTPRoute blog/whoami: spec.rules[0].backendRefs[0]: Service prod/other may not be used from namespace \"blog\": create a ReferenceGrant in namespace \"prod\" that allows HTTPRoutes of namespace \"blog\" to refer to Service \"other\" [backend-not-permitted]\n",
		},
		"a Gateway of another class is not judged": {
			text: strings.Replace(gateway, "gatewayClassName: gatewright", "gatewayClassName: other", 1), options: ours,
			want: "home.yaml:5: note: Gateway infra/home: not judged, since GatewayClass \"other\" is not known to be Gatewright's (--class=other says that it is)\n",
		},
		"unless it is said to be ours": {
			text:    strings.Replace(gateway, "gatewayClassName: gatewright", "gatewayClassName: other", 1),
			options: premise.Options{Classes: []string{"other"}}, want: "",
		},
		"a policy finds the route that it is for": {
			text:    "apiVersion: gatewright.dev/v1alpha1\nkind: WebSocketPolicy\nmetadata: {name: a}\nspec:\n  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: chat}]\n",
			options: ours, want: assumes + "HTTPRoute default/chat\n",
		},
		"a ListenerSet is let in by a Gateway that is not spoken of": {
			text: listenerSet, options: ours, want: assumes + "Gateway infra/home, ReferenceGrant vault/ListenerSets-of-blog-to-Secrets\n",
		},
		"a Gateway that is given lets in whom it says": {
			text: gateway + listenerSet, options: ours,
			want: "home.yaml:13: warning: ListenerSet blog/own: spec.parentRef: Gateway infra/home lets no ListenerSets of namespace \"blog\" in: write allowedListeners: {namespaces: {from: All}} into the Gateway's spec, or from: Selector with a selector for the namespace [listener-set-not-allowed]\n" +
				assumes + "ReferenceGrant vault/ListenerSets-of-blog-to-Secrets\n",
		},
		"routes that name listeners of ListenerSets do not clash": {
			text: strings.Replace(route, "{name: home,", "{kind: ListenerSet, name: shop, sectionName: a,", 1) +
				strings.NewReplacer("{name: home,", "{kind: ListenerSet, name: shop, port: 443,", "metadata: {name: whoami", "metadata: {name: other").Replace(route) +
				strings.NewReplacer("{name: home,", "{kind: ListenerSet, name: mall,", "metadata: {name: whoami", "metadata: {name: third").Replace(route),
			options: ours, want: assumes + "ListenerSet infra/mall, ListenerSet infra/shop, Service blog/whoami\n",
		},
		"a ListenerSet is missing beside others of its namespace": {
			text: listenerSet + strings.Replace(route, "{name: home, namespace: infra}", "{kind: ListenerSet, name: onw}", 1), options: ours,
			want: "home.yaml:14: warning: HTTPRoute blog/whoami: spec.parentRefs[0]: ListenerSet \"onw\" not found in namespace \"blog\": name a ListenerSet that exists, with its namespace [parent-not-found]\n" +
				assumes + "Gateway infra/home, ReferenceGrant vault/ListenerSets-of-blog-to-Secrets, Service blog/whoami\n",
		},
		"an issuer of cert-manager's can issue what it is asked for": {
			text: wildcard, options: ours, want: assumes + "ClusterIssuer letsencrypt\n",
		},
		"unless it is given": {
			text: wildcard + http01Issuer, options: ours,
			want: "home.yaml:6: warning: Gateway infra/home: spec.listeners[0].hostname: ClusterIssuer letsencrypt has only an HTTP-01 solver; a wildcard needs DNS-01: give the issuer a dns01 solver, or each host a listener of its own [issuer-without-dns01]\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, lines(Of(decode(test.text), test.options))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAssumptionsHideNoDenial compares, over all cases, what is denied with
// nothing assumed.
func TestAssumptionsHideNoDenial(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("../test/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name != "in.yaml" {
				continue
			}
			denied := map[Finding]bool{}
			for _, finding := range Of(decode(string(f.Data)), ours).Findings {
				denied[finding] = finding.Severity == diagnostic.Deny
			}
			for _, finding := range Of(decode(string(f.Data)), premise.Options{Classes: ours.Classes, Complete: true}).Findings {
				if finding.Severity == diagnostic.Deny && !denied[finding] {
					t.Errorf("%s: hidden: %+v", path, finding)
				}
			}
		}
	}
}

func TestEachOfTwoObjectsWithOneNameIsJudged(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(route, "- backendRefs:", "- matches: [{path: {value: api}}]\n    backendRefs:", 1)
	r := Of(decode(bad+route), ours)
	if len(r.Findings) != 1 || r.Findings[0].Place.Line != 8 || r.Findings[0].Check != diagnostic.InvalidPath.ID {
		t.Errorf("found %+v", r.Findings)
	}
}

func TestAClusterIsJudgedWithTheManifests(t *testing.T) {
	t.Parallel()
	var cluster snapshot.Snapshot
	old := premise.Of(decode(gateway+route), ours)
	for _, o := range old.Objects {
		o.SetCreationTimestamp(metav1.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)))
		cluster = cluster.With(o.Object)
	}
	class, _ := old.Snapshot.GatewayClasses.Get("", "gatewright")
	cluster = cluster.With(class)
	changed := strings.Replace(gateway, "name: web", "name: lan, hostname: a.lan", 1)
	later := strings.NewReplacer("name: whoami, namespace: blog", "name: a-later-one, namespace: blog").Replace(route)

	got := lines(Of(decode(changed+later+route), premise.Options{Cluster: &cluster}))
	want := `home.yaml:16: warning: HTTPRoute blog/a-later-one: spec.rules[0].matches[0]: HTTPRoute blog/whoami is older, has the same match for a.lan and gets the requests: change the match or delete one of the routes [shadowed-match]
home.yaml:17: warning: HTTPRoute blog/a-later-one: spec.rules[0].backendRefs[0].name: Service "whoami" not found in namespace "blog": create the Service, or mend the name [backend-not-found]
home.yaml:27: warning: HTTPRoute blog/whoami: spec.rules[0].backendRefs[0].name: Service "whoami" not found in namespace "blog": create the Service, or mend the name [backend-not-found]
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	none := strings.Replace(gateway, "from: All", "from: Same", 1)
	got = lines(Of(decode(none), premise.Options{Cluster: &cluster}))
	want = `home.yaml:1: warning: Gateway infra/home: HTTPRoute blog/whoami is no longer served by this Gateway: ` +
		`spec.parentRefs[0]: no listener of Gateway infra/home allows HTTPRoutes of namespace "blog": change the listener's allowedRoutes (allowedRoutes.namespaces.from is Same unless written otherwise) [route-cut-off]` + "\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a route is cut off (-want +got):\n%s", diff)
	}
}

func report() Report {
	return Report{
		Findings: []Finding{{
			Place: manifest.Place{File: "dir with space/a,b:c.yaml", Line: 3, Column: 5},
			Diagnostic: diagnostic.Diagnostic{
				Object: diagnostic.Object{Kind: "HTTPRoute", Namespace: "a", Name: "b"}, Field: "spec.x",
				Severity: diagnostic.Deny, Check: diagnostic.InvalidRegex.ID, Message: "100%\r\nwrong", Fix: "mend it",
			},
		}, {
			Place: manifest.Place{File: "/b.yaml"},
			Diagnostic: diagnostic.Diagnostic{
				Object: diagnostic.Object{Kind: "Gateway", Name: "g"}, Severity: diagnostic.Warn, Check: CutOff.ID, Message: "less",
			},
		}},
		Unreadable: []manifest.Remark{{Place: manifest.Place{File: "c.yaml", Line: 1}, Message: "it is broken"}},
		Summary:    Summary{Denied: 1, Warnings: 1, Unreadable: 1, Judged: 2},
	}
}

func TestGitHubsCommandsAreEscaped(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := report().Write(&b, GitHub); err != nil {
		t.Fatal(err)
	}
	want := `::error file=c.yaml,line=1,title=unreadable::it is broken
::error file=dir with space/a%2Cb%3Ac.yaml,line=3,col=5,title=invalid-regex::HTTPRoute a/b: spec.x: 100%25%0D%0Awrong: mend it
::warning file=/b.yaml,title=route-cut-off::Gateway g: less
2 errors, 1 warning: 2 objects judged
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSARIFNamesRulesAndPlaces(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := report().Write(&b, SARIF); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		t.Fatal(err)
	}
	rules := log.Runs[0].Tool.Driver.Rules
	if len(rules) != len(diagnostic.Checks())+2 {
		t.Errorf("%d rules", len(rules))
	}
	var uris []string
	for _, r := range log.Runs[0].Results {
		if rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("rule %d is %s, not %s", r.RuleIndex, rules[r.RuleIndex].ID, r.RuleID)
		}
		uris = append(uris, r.Locations[0].Physical.Artifact.URI)
	}
	if diff := cmp.Diff([]string{"c.yaml", "dir%20with%20space/a,b:c.yaml", "file:///b.yaml"}, uris); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&sarifRegion{StartLine: 3, StartColumn: 5}, log.Runs[0].Results[1].Locations[0].Physical.Region); diff != "" {
		t.Errorf("region (-want +got):\n%s", diff)
	}
}

func TestJSONHasListsEvenIfTheyAreEmpty(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := Of(manifest.Manifests{}, ours).Write(&b, JSON); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"findings", "unreadable", "passedOver", "assumed"} {
		if _, ok := got[list].([]any); !ok {
			t.Errorf("%s is %v", list, got[list])
		}
	}
}

func TestTheSamplesAreInOrder(t *testing.T) {
	t.Parallel()
	samples := filepath.Join("..", "config", "samples")
	if _, err := os.Stat(samples); err != nil {
		t.Fatal(err)
	}
	r := Of(manifest.Read([]string{samples}, nil, manifest.Options{Namespace: "default"}), ours)
	if r.Summary.Denied+r.Summary.Warnings+r.Summary.Unreadable > 0 || r.Summary.Judged == 0 {
		t.Errorf("the samples say:\n%s", r.text())
	}
}
