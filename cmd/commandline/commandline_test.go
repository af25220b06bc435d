package commandline_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/gatewright/gatewright/cmd/commandline"
)

// values are what the flags of the tests' program set.
type values struct {
	Name, Form  string
	Kept        bool
	All, Little bool
	Loud        bool
}

func program(v *values) commandline.Program {
	return commandline.Program{
		Name:  "program",
		Flags: func(f *pflag.FlagSet) { f.BoolVar(&v.Loud, "loud", v.Loud, "") },
		Commands: []commandline.Command{{
			Name: "do", Required: []string{"name"}, Exclusive: []string{"all", "little"},
			Flags: func(f *pflag.FlagSet) {
				f.StringVarP(&v.Name, "name", "n", "", "")
				v.Form, v.Kept = "text", true
				f.Var(commandline.Choice[string]{Value: &v.Form, Of: []string{"text", "json"}}, "form", "")
				commandline.Negatable(f, &v.Kept, "keep", "")
				f.BoolVar(&v.All, "all", false, "")
				f.BoolVar(&v.Little, "little", false, "")
			},
		}, {Name: "rest"}},
	}
}

func TestFlagsAreSet(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		line string
		want values
	}{
		"defaults":                          {"do --name a", values{Name: "a", Form: "text", Kept: true}},
		"by short names and with equals":    {"do -na --form=json", values{Name: "a", Form: "json", Kept: true}},
		"turned off":                        {"do -n a --no-keep", values{Name: "a", Form: "text"}},
		"turned on after it was turned off": {"do -n a --no-keep --keep", values{Name: "a", Form: "text", Kept: true}},
		"of all commands, before the name":  {"--loud do -n a", values{Name: "a", Form: "text", Kept: true, Loud: true}},
		"of all commands, behind the name":  {"do --loud -n a", values{Name: "a", Form: "text", Kept: true, Loud: true}},
		"one of two that exclude another":   {"do -n a --all", values{Name: "a", Form: "text", Kept: true, All: true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got values
			if _, err := program(&got).Parse(strings.Fields(test.line)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestACommandLineThatSaysNothingIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ line, want string }{
		"no command":             {"", `expected one of "do", "rest"`},
		"an unknown command":     {"undo", `unexpected argument "undo": expected one of "do", "rest"`},
		"an unknown flag":        {"rest --name a", "unknown flag: --name"},
		"another argument":       {"do -n a b", `unexpected argument "b"`},
		"a missing flag":         {"do", "missing flag --name"},
		"an unknown choice":      {"do -n a --form xml", "must be one of text, json"},
		"two that are exclusive": {"do -n a --all --little", "--all and --little cannot be used together"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := program(&values{}).Parse(strings.Fields(test.line))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	if _, err := program(&values{}).Parse([]string{"do", "--help"}); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("help is answered with %v", err)
	}
}
