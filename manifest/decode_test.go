package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// outline is what is told of manifests.
type outline struct {
	objects, unreadable, passedOver []string
	others                          int
}

func outlineOf(m Manifests) outline {
	o := outline{others: m.Others}
	for _, object := range m.Objects {
		o.objects = append(o.objects, object.Place("").String()+" "+object.ID().String())
	}
	for _, r := range m.Unreadable {
		o.unreadable = append(o.unreadable, r.String())
	}
	for _, r := range m.PassedOver {
		o.passedOver = append(o.passedOver, r.String())
	}
	return o
}

func check(t *testing.T, want, got outline) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outline{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	tests := map[string]struct {
		text string
		want outline
	}{
		"several documents": {
			"# first\n" + service + "---\n# nothing\n--- # second\n" + service,
			outline{objects: []string{"f:2 Service home/a", "f:8 Service home/a"}},
		},
		"lines as on Windows, with a byte order mark": {
			"\ufeff" + strings.ReplaceAll("---\n"+service+"---\n"+service, "\n", "\r\n"),
			outline{objects: []string{"f:2 Service home/a", "f:6 Service home/a"}},
		},
		"a document that ends, and directives": {
			"%YAML 1.1\n---\n" + service + "...\n---\n" + service,
			outline{objects: []string{"f:3 Service home/a", "f:8 Service home/a"}},
		},
		"a namespace of its own": {
			"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\n",
			outline{objects: []string{"f:1 Service b/a"}},
		},
		"a kind without namespace": {
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
			outline{objects: []string{"f:1 Namespace a"}},
		},
		"an older version with the same fields": {
			"apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\nmetadata: {name: a}\n",
			outline{objects: []string{"f:1 HTTPRoute home/a"}},
		},
		"a version that nobody serves": {
			"apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: HTTPRoute\nmetadata: {name: a}\n",
			outline{unreadable: []string{"f:1: HTTPRoute a: apiVersion gateway.networking.k8s.io/v1alpha2 is none that can be read: write the one of v1 or v1beta1"}},
		},
		"a list": {
			"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: b}\n" +
				"- apiVersion: v1\n  kind: Service\n  metadata: {name: c}\n  spec: {port: 1}\n",
			outline{
				objects: []string{"f:4 Service home/a"}, others: 1,
				unreadable: []string{`f:13: Service home/c: unknown field "spec.port"`},
			},
		},
		"JSON, two values": {
			"{\"apiVersion\": \"v1\", \"kind\": \"Service\",\n\t\"metadata\": {\"name\": \"a\"}}\n{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"b\"}}\n",
			outline{objects: []string{"f:1 Service home/a", "f:3 Service home/b"}},
		},
		"other kinds, even of the same name": {
			"apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\ndata: {a: b, a: c}\n",
			outline{others: 2},
		},
		"other YAML": {
			"replicas: 1\n---\n- a\n---\njust text\n",
			outline{passedOver: []string{
				"f:1: no Kubernetes manifest: it has no apiVersion and kind",
				"f:3: no Kubernetes manifest: it has no apiVersion and kind",
				"f:5: no Kubernetes manifest: it has no apiVersion and kind",
			}},
		},
		"a broken document between sound ones": {
			service + "---\nkind: Service\n  name: b\n---\n" + service,
			outline{
				objects:    []string{"f:1 Service home/a", "f:8 Service home/a"},
				unreadable: []string{"f:6: mapping values are not allowed in this context"},
			},
		},
		"a key given twice": {
			"---\n" + service + "spec:\n  ports: []\n  ports: []\n",
			outline{unreadable: []string{`f:7: Service home/a: key "ports" already set in map`}},
		},
		"unknown fields": {
			"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec:\n  rules:\n  - match: []\n  hostname: a\n",
			outline{unreadable: []string{
				`f:6: HTTPRoute home/a: unknown field "spec.rules[0].match"`,
				`f:7: HTTPRoute home/a: unknown field "spec.hostname"`,
			}},
		},
		"a value of another type, after a sound one": {
			"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\nspec:\n  listeners:\n  - port: 80\n  - port: \"80\"\n",
			outline{unreadable: []string{"f:7: Gateway home/a: spec.listeners.port must be a number (int32), not string"}},
		},
		"an object in place of a list": {
			"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec:\n  rules: {}\n",
			outline{unreadable: []string{"f:5: HTTPRoute home/a: spec.rules must be a list, not object"}},
		},
		"no name": {
			"apiVersion: v1\nkind: Service\nmetadata:\n  labels: {}\n",
			outline{unreadable: []string{"f:3: Service home/: metadata.name is missing"}},
		},
		"a template": {
			"apiVersion: v1\nkind: {{ .Values.kind }}\n  x: y\n",
			outline{unreadable: []string{"f:2: did not find expected key; if this is a template, lint what it is rendered to: helm template … | gatewright lint -f -"}},
		},
		"no text":                {"\x7fELF\x00\x01", outline{unreadable: []string{"f: this is no text (UTF-8), so no manifest"}}},
		"text of an old Windows": {"caf\xe9", outline{unreadable: []string{"f: this is no text (UTF-8), so no manifest"}}},
		"nothing":                {"", outline{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, test.want, outlineOf(Decode("f", []byte(test.text), Options{Namespace: "home"})))
		})
	}
}

func TestFieldsHavePlaces(t *testing.T) {
	t.Parallel()
	const text = `# A comment.
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: a
  annotations:
    cert-manager.io/issuer: x
spec:
  hostnames: [a.example.net,
    b.example.net]
  rules:
  - &rule
    matches:
    - path:
        type: Exact
        value: /a
    - path: {type: Exact,
        value: /b}
  - <<: *rule
    name: second
  - *rule
`
	m := Decode("f", []byte(text), Options{})
	if len(m.Objects) != 1 {
		t.Fatalf("read %+v", m)
	}
	places := map[string]Place{
		"":                                    {"f", 3, 1},
		"spec.rules[0].matches[0].path.value": {"f", 17, 9},
		"spec.rules[0].matches[1].path.value": {"f", 19, 9},
		"spec.rules[0].matches":               {"f", 14, 5},
		"spec.rules[0]":                       {"f", 13, 5},
		"spec.hostnames[1]":                   {"f", 11, 5},
		"metadata.annotations[cert-manager.io/issuer]": {"f", 8, 5},
		"metadata.annotations":                         {"f", 7, 3},
		// What is not there is where it would be.
		"spec.rules[0].backendRefs[0].port":           {"f", 13, 5},
		"spec.parentRefs[0]":                          {"f", 9, 1},
		"spec.rules[9]":                               {"f", 12, 3},
		"spec.rules[1].name":                          {"f", 21, 5},
		"spec.rules[1].matches[0].path.value":         {"f", 17, 9},
		"spec.rules[2].matches[1].path.value":         {"f", 19, 9},
		"metadata.annotations[cert-manager.io/other]": {"f", 7, 3},
	}
	for field, want := range places {
		if got := m.Objects[0].Place(field); got != want {
			t.Errorf("%q is at %v, want %v", field, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Service, metadata: {name: a}}]\n---\n{{ x }}")
	f.Add("{\"apiVersion\": \"v1\"}{")
	f.Add("a: &a [*a]\nkind: Service\napiVersion: v1\nitems: *a")
	f.Add("&a {kind: Service, apiVersion: v1, <<: *a}")
	f.Add("&a {<<: *a}")
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range Decode("f", []byte(text), Options{}).Objects {
			if at := o.Place("spec.rules[0].matches[1]"); at.Line < 1 || at.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%s is at %v", o.ID(), at)
			}
		}
	})
}
