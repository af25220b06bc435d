package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const aService = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"

// place makes files and returns their directory, in which the test is then.
func place(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADirectoryIsReadWithAllBelowIt(t *testing.T) {
	place(t, map[string]string{
		"d/b.yml":                       aService,
		"d/a/x.yaml":                    aService,
		"d/a/x.json":                    `{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "j"}}`,
		"d/.git/x.yaml":                 "{",
		"d/README.md":                   "{",
		"d/kustomization.yaml":          "resources: [b.yml]\n",
		"d/chart/Chart.yaml":            "name: chart\n",
		"d/chart/templates/broken.yaml": "{{ end }}",
		"d/loose.yaml":                  "a: {{ .Values.a }}\n b: c\n",
		"d/broken.yaml":                 "a: b: c\n",
	})
	check(t, outline{
		objects:    []string{"d/a/x.json:1 Service j", "d/a/x.yaml:1 Service a", "d/b.yml:1 Service a"},
		unreadable: []string{"d/broken.yaml:1: mapping values are not allowed in this context"},
		passedOver: []string{
			"d/chart: a Helm chart: lint what it is rendered to, with helm template … | gatewright lint -f -",
			"d/kustomization.yaml:1: no Kubernetes manifest: it has no apiVersion and kind",
			"d/loose.yaml:1: did not find expected key; if this is a template, lint what it is rendered to: helm template … | gatewright lint -f -",
		},
	}, outlineOf(Read([]string{"d"}, nil, Options{})))
}

func TestWhatCannotBeReadIsTold(t *testing.T) {
	place(t, map[string]string{"values.yaml": "a: b\n", "empty.yaml": "", "a.yaml": aService})
	if err := os.Mkdir("none", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("huge.yaml", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate("huge.yaml", maxFile+1); err != nil {
		t.Fatal(err)
	}
	sources := []string{"missing.yaml", "none", "values.yaml", "empty.yaml", "huge.yaml", "a.yaml", Stdin}
	check(t, outline{
		objects: []string{"a.yaml:1 Service a"},
		unreadable: []string{
			"missing.yaml: no such file or directory",
			"none: there is no Kubernetes manifest in it",
			"values.yaml: there is no Kubernetes manifest in it",
			"empty.yaml: there is no Kubernetes manifest in it",
			"huge.yaml: it is larger than 64 MiB",
			"stdin: there is no Kubernetes manifest in it",
		},
		passedOver: []string{"values.yaml:1: no Kubernetes manifest: it has no apiVersion and kind"},
	}, outlineOf(Read(sources, strings.NewReader(""), Options{})))
}

func TestStandardInput(t *testing.T) {
	t.Parallel()
	check(t, outline{objects: []string{"stdin:1 Service a"}},
		outlineOf(Read([]string{Stdin}, strings.NewReader(aService), Options{})))
}

func TestALargeFileIsRead(t *testing.T) {
	t.Parallel()
	const copies = 20_000
	text := strings.Repeat(aService+"spec: {externalName: "+strings.Repeat("a", 450)+"}\n---\n", copies)
	m := Read([]string{Stdin}, strings.NewReader(text), Options{})
	if len(text) < 10<<20 || len(m.Objects) != copies || len(m.Unreadable) > 0 {
		t.Errorf("of %d bytes read %d objects, %v", len(text), len(m.Objects), m.Unreadable)
	}
}
