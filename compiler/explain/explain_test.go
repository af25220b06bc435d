package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]Request{
		"a.example.net/b":                   {Host: "a.example.net", Target: "/b"},
		"http://A.example.net":              {Host: "a.example.net", Target: "/", Port: 80},
		"https://a.example.net./b?c=d#e":    {Host: "a.example.net", Target: "/b?c=d", Port: 443, TLS: true},
		"https://a.example.net:8443/%20":    {Host: "a.example.net", Target: "/%20", Port: 8443, TLS: true},
		"a.example.net:8080?x":              {Host: "a.example.net", Target: "/?x", Port: 8080},
		"https://[2001:db8::1]:8443/bc/../": {Host: "2001:db8::1", Target: "/bc/../", Port: 8443, TLS: true},
	}
	for text, want := range tests {
		want.Method, want.ServerName = "GET", want.Host
		got, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"", "/path", "ftp://a/b", "http://a:http/", "http://u@a/", "http://a:70000/"} {
		if r, err := Parse(text); err == nil {
			t.Errorf("%q is taken for %+v", text, r)
		}
	}
}

func TestPathsAreComparedAsNginxDoes(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"/": "/", "/a/./b": "/a/b", "/a/../b": "/b", "/a/..": "/", "/a/.": "/a/", "/a//b": "/a//b",
		"/%61%2Fb": "/a/b", "/a/%2e%2e/b?c=/../": "/b", "/a%20b": "/a b", "/..a": "/..a",
		"/..": "", "/a/../../b": "", "/a%00": "", "/a%": "", "/a%zz": "",
	}
	for target, want := range tests {
		if got, ok := (Request{Target: target}).path(); got != want || ok != (want != "") {
			t.Errorf("%s is %q (%v), want %q", target, got, ok, want)
		}
	}
}

func TestRegularExpressionsAreMatchedAsPCRE2Does(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		expression, subject string
		want, known         bool
	}{
		"from the start":                  {"^(?:/a|/b)", "/bc", true, true},
		"whole":                           {`^(?:v\d+)\z`, "v12", true, true},
		"not whole":                       {`^(?:v\d+)\z`, "v12x", false, true},
		"looking ahead":                   {"^(?:/(?!api))", "/app", true, true},
		"looking ahead in vain":           {"^(?:/(?!api))", "/api/x", false, true},
		"a reference":                     {`^(?:/(.)\1)`, "/aa", true, true},
		"a dollar before a newline":       {"^(?:/a$)", "/a\n", true, true},
		"bytes":                           {"^(?:/..$)", "/é", true, true},
		"a class of ASCII":                {`^(?:/\w$)`, "/é", false, true},
		"a class that Go has alone":       {`^(?:/[[:alpha:]]$)`, "/a", true, true},
		"possessive":                      {"^(?:/a++b)", "/aab", true, true},
		"possessive in vain":              {"^(?:/a++ab)", "/aab", false, true},
		"a class that looks like two":     {"^(?:/[a-z-[x]](?!b))", "/-]", false, false},
		"vertical space":                  {`^(?:/\v)`, "/\v", false, false},
		"case beyond ASCII":               {"^(?:(?i)/É)", "/é", false, false},
		"looking ahead with other script": {"^(?:/(?!é))", "/a", false, false},
		"without end":                     {`^(?:(?=a)(a|aa)+$)`, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, known := matches(test.expression, test.subject)
			if got != test.want || known != test.known {
				t.Errorf("%v, known %v", got, known)
			}
		})
	}
}

func TestOnlyHeadersThatNginxKeepsCount(t *testing.T) {
	t.Parallel()
	r := Request{Headers: [][2]string{{"X-A", "1"}, {"x-a", " 2 "}, {"X_A", "3"}}}
	if got := r.header("x-A"); got != "1, 2" {
		t.Errorf("X-A is %q", got)
	}
}

func TestTheFirstQueryParameterCounts(t *testing.T) {
	t.Parallel()
	r := Request{Target: "/?b&a+b=%31&a%20b=2&b=3&=4"}
	if got, ok := r.query("a b"); got != "%31" || !ok {
		t.Errorf("a b is %q, %v", got, ok)
	}
	if got, ok := r.query("b"); got != "" || ok {
		t.Errorf("b is %q, %v", got, ok)
	}
}
