package token_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/nginx/token"
	"github.com/gatewright/gatewright/test/corpus/conftree"
)

// hostile are texts that would end a string, a directive or a block, start a
// comment, or expand.
var hostile = []string{
	`plain`, `"`, `'`, `;`, `{`, `}`, `#`, `$`, `$host`, `${args}`, `\`, `\\`, `\"`, `\n`, `\$`, "\r", "\n", "\x00",
	"\t", "\x7f", "%00", "%0a", "a b", `"; return 200 "x`, `x") { return 200; } if ("`, "\\\r\n", "é", "\xff",
	`<!--#exec cmd="id"-->`, `content_by_lua_block { os.exit() }`, "# comment\nreturn 200;", "${gw_dollar}", "~*x", "=", "*.",
}

// parameter returns what nginx reads where the token stands.
func parameter(t *testing.T, printed token.Token) string {
	t.Helper()
	tree, err := conftree.Parse("directive " + printed.String() + ";")
	if err != nil {
		t.Fatalf("%s does not parse: %v", printed, err)
	}
	if len(tree) != 1 || len(tree[0].Args) != 2 {
		t.Fatalf("%s is not one parameter: %v", printed, tree)
	}
	return tree[0].Args[1]
}

// expand replaces variables as nginx does; gw_dollar is the only one known.
func expand(s string) string {
	return regexp.MustCompile(`\$(\{\w+\}|\w+)`).ReplaceAllStringFunc(s, func(name string) string {
		if name == "${gw_dollar}" {
			return "$"
		}
		return "<" + name + ">"
	})
}

func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		value, ok := token.NewValue(token.Text(s), token.Of(token.URI))
		if got := expand(parameter(t, value)); ok && got != s+"<${uri}>" {
			t.Errorf("the text %q became %q", s, got)
		}
		if cookiePath, ok := token.NewCookiePath("/" + s); ok {
			if got := parameter(t, cookiePath); got != "/"+s || strings.ContainsAny(got, `$;,\"' `) {
				t.Errorf("the path %q of a cookie became %q", "/"+s, got)
			}
		}
		path, ok := token.NewPath("/" + s)
		if got := parameter(t, path); ok && got != "/"+s {
			t.Errorf("the path %q became %q", "/"+s, got)
		}
		pattern, ok := token.PathPattern(s)
		if got := parameter(t, pattern); ok && got != "^(?:"+s+")" {
			t.Errorf("the expression %q became %q", s, got)
		}
		name := token.NewNamedLocation(s)
		if got := parameter(t, name); got != name.String() {
			t.Errorf("the name %q became %q", name, got)
		}
		for _, s := range []string{s, "a" + s} {
			bareWord(t, s)
		}
	})
}

// bareWord holds tokens without quotes to their own text, or nothing.
func bareWord(t *testing.T, s string) {
	t.Helper()
	name, okName := token.NewName(s)
	host, okHost := token.NewHost(s)
	header, okHeader := token.NewHeader(s)
	variable, okVariable := token.RequestHeader(s)
	for kind, c := range map[string]struct {
		token token.Token
		ok    bool
		want  string
	}{
		"name":     {name, okName, s},
		"host":     {host, okHost, s},
		"header":   {header, okHeader, s},
		"variable": {variable, okVariable, "$http_" + strings.ReplaceAll(strings.ToLower(s), "-", "_")},
	} {
		if !c.ok {
			if c.token.String() != "" {
				t.Errorf("the refused %s %q prints %q", kind, s, c.token)
			}
			continue
		}
		if got := parameter(t, c.token); got != c.want {
			t.Errorf("the %s %q became %q", kind, s, got)
		}
	}
}

func TestTextThatNginxCannotHoldIsRefused(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"a null byte": "\x00", "a line feed": "a\nb", "a carriage return": "\r", "a tab": "\t",
		"delete": "\x7f", "more than nginx's buffer": strings.Repeat("x", 4096),
		"more than nginx's buffer when printed": strings.Repeat("$", 1000),
	} {
		value, ok := token.NewValue(token.Text(s))
		if ok || value.String() != `""` {
			t.Errorf("%s: printed %s, ok %v", name, value, ok)
		}
	}
}

func TestNamedGroupsAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{`(?<args>.*)`, `(?P<args>.*)`, `(?'args'.*)`, `\Q[\E(?<args>.*)`, `\c\(?<args>.*)`, `[(?<a>]`} {
		if printed, ok := token.PathPattern(s); ok {
			t.Errorf("%q is printed: %s", s, printed)
		}
	}
	for _, s := range []string{`(?:a|b)`, `(?<=a)b`, `(?<!a)b`, `(?i)a`, `(?=a)`, `(a)\1`} {
		if _, ok := token.PathPattern(s); !ok {
			t.Errorf("%q is refused", s)
		}
	}
}

func TestDurationsPrintInTheCoarsestExactUnit(t *testing.T) {
	t.Parallel()
	got := map[time.Duration]string{}
	want := map[time.Duration]string{
		0: "1ms", 1500 * time.Millisecond: "1500ms", 90 * time.Second: "90s", 2 * time.Minute: "2m",
		24 * time.Hour: "24h", 1000 * time.Hour: "576h",
	}
	for d := range want {
		got[d] = token.NewDuration(d).String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDifferentRoutesHaveDifferentNamedLocations(t *testing.T) {
	t.Parallel()
	a := token.NewNamedLocation("a/b", "c")
	b := token.NewNamedLocation("a", "b/c")
	c := token.NewNamedLocation("a_2fb", "c")
	if a == b || a == c || b == c {
		t.Errorf("%s, %s and %s are not all different", a, b, c)
	}
}

// Printed expressions are compared with Go's engine where that understands
// them; the corpus tries the others with nginx.
func TestPathsMatchHoweverClientsEncodeThem(t *testing.T) {
	t.Parallel()
	printed, ok := token.RawRestPattern("/caf%C3%A9 (x)/100%", false)
	if !ok {
		t.Fatal("refused")
	}
	pattern := regexp.MustCompile(parameter(t, printed))
	for path, want := range map[string]string{
		"/caf%C3%A9%20(x)/100%25/rest": "/rest",
		"/caf%c3%a9%20%28x%29/100%25":  "",
		"/caf%C3%A9%20(x)/100%25?q":    "",
	} {
		got := pattern.FindStringSubmatch(path)
		if got == nil || got[1] != want {
			t.Errorf("%s leaves %q, want %q", path, got, want)
		}
	}
}
