package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite what the commands of docs/lint.md print")

var (
	// console is a command and what it prints.
	console = regexp.MustCompile("(?s)```console\n\\$ gatewright (.*?)\n(.*?)```")
	// file is a YAML file with its name.
	file = regexp.MustCompile("(?s)```yaml\n# ([a-z]+\\.yaml)\n.*?```")
)

// TestTheDocumentationShowsWhatIsPrinted runs the commands of docs/lint.md.
func TestTheDocumentationShowsWhatIsPrinted(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	guide := filepath.Join(root, "docs", "lint.md")
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(filepath.Join(root, "config"), "config"); err != nil {
		t.Fatal(err)
	}
	for _, f := range file.FindAllSubmatch(text, -1) {
		yaml := strings.TrimSuffix(strings.TrimPrefix(string(f[0]), "```yaml\n"), "```")
		if err := os.WriteFile(string(f[1]), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	now := console.ReplaceAllStringFunc(string(text), func(block string) string {
		ran++
		line := console.FindStringSubmatch(block)[1]
		return "```console\n$ gatewright " + line + "\n" + output(t, line) + "```"
	})
	if ran == 0 {
		t.Fatal("no command is shown")
	}
	if *update {
		if err := os.WriteFile(guide, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), now); diff != "" {
		t.Errorf("docs/lint.md shows something else (-shown +printed; -update rewrites):\n%s", diff)
	}
}

// output is what the command prints, whatever its exit status is.
func output(t *testing.T, line string) string {
	t.Helper()
	var out strings.Builder
	c := command(t, strings.Fields(line)...)
	var err error
	if strings.HasPrefix(line, "lint ") {
		err = c.Lint.run(&out)
	} else {
		err = c.Render.run(&out)
	}
	code(t, err)
	return out.String()
}
