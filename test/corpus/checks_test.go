package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

const tableOfChecks = "../../docs/checks.md"

func TestEveryCheckHasACaseThatShowsIt(t *testing.T) {
	t.Parallel()
	shown := casesByCheck(t)
	for _, c := range diagnostic.Checks() {
		if shown[c.ID] == "" {
			t.Errorf("no case shows %s, which prevents %s", c.ID, c.Prevents)
		}
		delete(shown, c.ID)
	}
	for id, name := range shown {
		t.Errorf("case %s shows %q, which is no check", name, id)
	}
}

func TestTheTableOfChecksIsUpToDate(t *testing.T) {
	t.Parallel()
	want := []byte(table(casesByCheck(t)))
	if *update {
		if err := os.WriteFile(tableOfChecks, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(tableOfChecks)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/checks.md (-wanted +there; `make golden` rewrites it):\n%s", diff)
	}
}

// casesByCheck finds the first case whose diagnostics have each check.
func casesByCheck(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content(archive, "diagnostics.txt"))) {
			words := strings.Fields(line)
			if strings.HasPrefix(line, " ") || len(words) < 2 {
				continue
			}
			if id := strings.TrimSuffix(words[1], ":"); found[id] == "" {
				found[id] = filepath.Base(path)
			}
		}
	}
	return found
}

const tableHead = `# What is checked

Written by ` + "`make golden`" + ` from [compiler/diagnostic](../compiler/diagnostic). The
admission webhook, the operator's statuses and ` + "`gatewright lint`" + ` say the same of an
object, as they ask the same code.

**deny**: can never become valid, in whatever order objects are applied, so
` + "`kubectl apply`" + ` is refused. **warn**: may become valid when something else appears
or changes, so it is let in with a warning, and the status says it for as long
as it is so. **status**: takes Secrets or EndpointSlices, which the webhook has
no right to read, so only the status says it, and lint where it is given them.
**schema**: the CRDs' own validation refuses it before the webhook is asked; lint
says it without an API server. An object that was wrong already may be changed and deleted; only
what a change makes worse is refused. Routes with a parent that is not
Gatewright's are warned about, never refused.

| check | | prevents | for example | write instead | shown in |
|---|---|---|---|---|---|
`

func table(shown map[string]string) string {
	var out strings.Builder
	out.WriteString(tableHead)
	for _, c := range diagnostic.Checks() {
		fmt.Fprintf(&out, "| <a id=%q></a>`%s` | %s | %s | %s | %s | [%s](../test/cases/%s) |\n",
			c.ID, c.ID, severityOf(c), cell(c.Prevents), cell(c.Example), cell(c.Fix),
			strings.TrimSuffix(shown[c.ID], ".txtar"), shown[c.ID])
	}
	return out.String()
}

// severityOf says what admission does with a finding.
func severityOf(c diagnostic.Check) string {
	switch {
	case c.StatusOnly:
		return "status"
	case c.BySchema:
		return "schema"
	}
	return string(c.Severity)
}

// cell keeps text within one cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
