package nginx

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/graph"
)

// serversOf renders a Gateway of one route with one rule, whose matches are
// given.
func serversOf(t *testing.T, matches ...graph.Match) string {
	t.Helper()
	g := gatewayWithRoutes(1, false)
	rule := g.Listeners[0].Routes[0].Route.Rules[0]
	for i := range matches {
		matches[i].Index = i
	}
	rule.Matches = matches
	for _, f := range Render(g, Templates{}).Files {
		if f.Path == "servers.conf" {
			return string(f.Data)
		}
	}
	t.Fatal("there is no servers.conf")
	return ""
}

func TestValuesTooLongForOneStringAreComparedOneByOne(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	got := serversOf(t, graph.Match{
		PathKind: graph.PathPrefix, Path: "/",
		Headers: []graph.ValueMatch{{Name: "A", Value: long}, {Name: "B", Value: long}},
	})
	got = strings.ReplaceAll(got, long, "long")
	want := `
    location / {
        set $gw_key "";
        if ($http_a = "long") {
            set $gw_key "${gw_key}+";
        }
        if ($http_b = "long") {
            set $gw_key "${gw_key}+";
        }
        if ($gw_key = "++") {
            error_page 418 = @web/route-0/0;
            return 418;
        }
        return 404;
    }
`
	if !strings.Contains(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

// The graph denies what does not print; the printer holds without it.
func TestMatchThatDoesNotPrintAnswers500WhereTheRestOfItFits(t *testing.T) {
	t.Parallel()
	got := serversOf(t,
		graph.Match{PathKind: graph.PathPrefix, Path: "/bad", Method: "PUT", Headers: []graph.ValueMatch{{Name: "A", Value: "a\nb"}}},
		graph.Match{PathKind: graph.PathPrefix, Path: "/"},
	)
	for _, want := range []string{`
    location /bad/ {
        if ($request_method = "PUT") {
            error_page 418 = @refused;
            return 418;
        }
`, `
    location @refused {
        return 500;
    }
`} {
		if !strings.Contains(got, want) {
			t.Errorf("missing:\n%s\nin:\n%s", want, got)
		}
	}
}

func TestPathThatDoesNotPrintIsLeftOut(t *testing.T) {
	t.Parallel()
	harmless := serversOf(t, graph.Match{PathKind: graph.PathPrefix, Path: "/"})
	for _, bad := range []graph.Match{
		{PathKind: graph.PathExact, Path: "/a%00b"},
		{PathKind: graph.PathPrefix, Path: "/a\nb"},
		{PathKind: graph.PathRegex, Path: "/(?<args>.*)"},
	} {
		if diff := cmp.Diff(harmless, serversOf(t, graph.Match{PathKind: graph.PathPrefix, Path: "/"}, bad)); diff != "" {
			t.Errorf("the path %q leaves something:\n%s", bad.Path, diff)
		}
	}
}
