package corpus

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

var update = flag.Bool("update", false, "rewrite the expected sections of the cases")

const cases = "../cases"

// TestCases is over before tests begin that read what it may rewrite.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s: %v", cases, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runCase(t, path)
		})
	}
}

func runCase(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadCase(path)
	if err != nil {
		t.Fatal(err)
	}
	result := compiler.Run(s, compiler.Options{Infra: infra.Options{Image: "gatewright-nginx:test"}})
	sections, err := sectionsOf(result)
	if err != nil {
		t.Fatal(err)
	}
	responses := serve(t, result, s, string(content(archive, "requests.txt")))
	if responses != "" {
		sections = append(sections, section{name: "responses.txt", text: responses, topic: "responses"})
	}
	sections = slices.DeleteFunc(sections, func(s section) bool { return !shown(archive, s) })
	if *update {
		rewrite(t, path, archive, sections)
		return
	}
	want, got := map[string]string{}, map[string]string{}
	for _, f := range archive.Files {
		if !isInput(f.Name) {
			want[f.Name] = string(f.Data)
		}
	}
	for _, s := range sections {
		got[s.name] = s.text
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s says something else (-expected +got; `go test ./test/corpus -update` rewrites):\n%s", path, diff)
	}
}

func isInput(name string) bool {
	return slices.Contains([]string{"in.yaml", "dataplane.yaml", "quarantine.yaml", "requests.txt"}, name)
}

// shown says whether the case shows the section.
func shown(archive *txtar.Archive, s section) bool {
	for line := range strings.Lines(string(archive.Comment)) {
		if topics, ok := strings.CutPrefix(line, "shows:"); ok && !slices.Contains(strings.Fields(topics), s.topic) {
			return false
		}
	}
	return !s.onRequest || content(archive, s.name) != nil
}

func rewrite(t *testing.T, path string, archive *txtar.Archive, sections []section) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return !isInput(f.Name) })
	for _, s := range sections {
		archive.Files = append(archive.Files, txtar.File{Name: s.name, Data: []byte(s.text)})
	}
	formatted := txtar.Format(archive)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, formatted) {
		return
	}
	if err := os.WriteFile(path, formatted, 0o644); err != nil {
		t.Fatal(err)
	}
}

// serve has nginx judge each bundle, and sends the requests. It returns what
// came back.
func serve(t *testing.T, result compiler.Result, s snapshot.Snapshot, text string) string {
	t.Helper()
	requests, err := parseRequests(text)
	if err != nil {
		t.Fatal(err)
	}
	seen, planes := newWitness(), map[string]*dataplane.DataPlane{}
	for i, g := range result.Gateways {
		d, err := dataplane.New(t.Context(), g.Bundle)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Errorf("close the data plane: %v", err)
			}
		})
		if err := d.Check(t.Context()); err != nil {
			t.Fatalf("nginx refuses the configuration of Gateway %s: %v", g.Key, err)
		}
		if len(requests) == 0 {
			continue
		}
		stop, err := serveBackends(d, g.Bundle, s, seen)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		if stop, err = answerDatagrams(d, s); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		planes[g.Key.String()] = d
		if i == 0 {
			planes[""] = d
		}
	}
	t.Cleanup(func() { closeOpen(requests) })
	services := servicesByAddress(s)
	var all []string
	for _, r := range requests {
		d := planes[r.gateway]
		if d == nil {
			t.Fatalf("%s: there is no Gateway %q", r.line, r.gateway)
		}
		words, err := r.describe(d, seen, services)
		if err != nil {
			t.Fatalf("%v\n%s", err, d.Log())
		}
		all = append(all, words)
	}
	return strings.Join(all, "\n")
}
