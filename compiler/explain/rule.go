package explain

import (
	"fmt"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
)

func ruleOf(c nginx.Candidate) Rule {
	return Rule{
		Route: c.Route.Key(), Rule: c.Rule.Index, Name: c.Rule.Name, Match: c.Match.Index,
		Matches: describe(c.Match, c.Hostname),
	}
}

// String returns "HTTPRoute blog/whoami spec.rules[0].matches[1]".
func (r Rule) String() string {
	s := fmt.Sprintf("HTTPRoute %s spec.rules[%d]", r.Route, r.Rule)
	if r.Name != "" {
		s += fmt.Sprintf(" (%s)", r.Name)
	}
	return s + fmt.Sprintf(" matches[%d]", r.Match)
}

// describe says what the match asks for, as "whoami.example.net, prefix /api,
// method GET".
func describe(m *graph.Match, hostname string) string {
	var words []string
	if hostname != "" {
		words = append(words, hostname)
	}
	switch m.PathKind {
	case graph.PathExact:
		words = append(words, "path "+m.Path)
	case graph.PathRegex:
		words = append(words, "path ~ "+m.Path)
	case graph.PathPrefix:
		words = append(words, "prefix "+m.Path)
	}
	if m.Method != "" {
		words = append(words, "method "+m.Method)
	}
	values := func(kind string, all []graph.ValueMatch) {
		for _, v := range all {
			sign := "="
			if v.Regex {
				sign = "~"
			}
			words = append(words, fmt.Sprintf("%s %s %s %s", kind, v.Name, sign, v.Value))
		}
	}
	values("header", m.Headers)
	values("query parameter", m.Query)
	return strings.Join(words, ", ")
}
