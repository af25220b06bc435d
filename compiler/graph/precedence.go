package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// matchPlace is where a match could be taken by another one.
type matchPlace struct {
	listener *Listener
	hostname string
	match    string
}

// matchOwner is a match of a route.
type matchOwner struct {
	route       *Route
	rule, match int
}

// findShadowedMatches warns of matches that no request reaches, since an older
// route, or an earlier rule, has the same one for the same hostname. Matches
// that are merely wider are not looked at.
func (b *builder) findShadowedMatches() {
	for _, g := range b.g.Gateways {
		told := map[matchOwner]bool{}
		for _, l := range g.Listeners {
			owners := map[matchPlace]matchOwner{}
			for _, a := range l.Routes {
				b.claimMatches(l, a, owners, told)
			}
		}
	}
}

// claimMatches gives the attachment's matches to its route where they are free.
func (b *builder) claimMatches(l *Listener, a Attachment, owners map[matchPlace]matchOwner, told map[matchOwner]bool) {
	for _, rule := range a.Route.Rules {
		for i := range rule.Matches {
			own := matchOwner{a.Route, rule.Index, rule.Matches[i].Index}
			text := rule.Matches[i].identity()
			for _, h := range a.Hostnames {
				place := matchPlace{l, h.Effective + " " + h.Written, text}
				owner, taken := owners[place]
				switch {
				case !taken:
					owners[place] = own
				case owner != own && !told[own]:
					told[own] = true
					b.report(a.Route.Source.Kind, a.Route.Source, shadowed(own, owner, h.Effective))
				}
			}
		}
	}
}

func shadowed(own, owner matchOwner, hostname string) diagnostic.Diagnostic {
	where := cmp.Or(hostname, "any hostname")
	field := fmt.Sprintf("spec.rules[%d].matches[%d]", own.rule, own.match)
	if own.route == owner.route {
		return diagnostic.ShadowedMatch.At(field,
			fmt.Sprintf("spec.rules[%d] has the same match for %s and gets the requests", owner.rule, where),
			"change or delete one of the rules")
	}
	return diagnostic.ShadowedMatch.At(field,
		fmt.Sprintf("%s is older, has the same match for %s and gets the requests", owner.route.Source.RouteKey(), where),
		"change the match or delete one of the routes")
}

// identity is the same for matches that the same requests have.
func (m *Match) identity() string {
	conditions := func(kind string, values []ValueMatch, fold func(string) string) []string {
		var all []string
		for _, v := range values {
			all = append(all, fmt.Sprintf("%s %q %v %q", kind, fold(v.Name), v.Regex, v.Value))
		}
		slices.Sort(all)
		return all
	}
	all := append([]string{fmt.Sprintf("%d %q %s", m.PathKind, m.Path, m.Method)},
		conditions("header", m.Headers, strings.ToLower)...)
	all = append(all, conditions("query", m.Query, strings.Clone)...)
	return strings.Join(all, " ")
}
