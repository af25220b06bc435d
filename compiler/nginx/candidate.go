package nginx

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
)

// candidate is one match of one rule, under one hostname.
type candidate struct {
	route *graph.Route
	rule  *graph.Rule
	match *graph.Match
	// written is the route's hostname that the request's host fits best; empty
	// where the route names none.
	written string
}

func (c candidate) same(other candidate) bool {
	return c.rule == other.rule && c.match == other.match
}

// attachmentIndex finds a listener's routes by hostname.
type attachmentIndex struct {
	attachments []graph.Attachment
	byHostname  map[string][]int
}

func indexAttachments(attachments []graph.Attachment) attachmentIndex {
	index := attachmentIndex{attachments, map[string][]int{}}
	for i, a := range attachments {
		for _, h := range a.Hostnames {
			index.byHostname[h.Effective] = append(index.byHostname[h.Effective], i)
		}
	}
	return index
}

// covering returns the attachments with a hostname that covers the given one,
// in their order.
func (x attachmentIndex) covering(hostname string) []graph.Attachment {
	indexes := slices.Concat(x.byHostname[hostname], x.byHostname[""])
	for _, parent, ok := strings.Cut(strings.TrimPrefix(hostname, "*."), "."); ok; _, parent, ok = strings.Cut(parent, ".") {
		indexes = append(indexes, x.byHostname["*."+parent]...)
	}
	slices.Sort(indexes)
	var out []graph.Attachment
	for _, i := range slices.Compact(indexes) {
		out = append(out, x.attachments[i])
	}
	return out
}

// candidatesOf returns the matches that count for requests to the hostname at
// the listener, in the order in which Gateway API lets them win.
func candidatesOf(x attachmentIndex, hostname string) []candidate {
	var candidates []candidate
	for _, a := range x.covering(hostname) {
		written, ok := bestHostname(a, hostname)
		if !ok {
			continue
		}
		for _, rule := range a.Route.Rules {
			for i := range rule.Matches {
				candidates = append(candidates, candidate{a.Route, rule, &rule.Matches[i], written})
			}
		}
	}
	// Stable: attachments come oldest first, rules and matches as written.
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		for i := range criteria {
			if order := criteria[i].compare(&a, &b); order != 0 {
				return order
			}
		}
		return 0
	})
	return candidates
}

// criteria are what decides between matches that a request has, in their order
// (Gateway API, HTTPRouteSpec.hostnames and HTTPRouteRule.matches). What none
// of them decides goes to the older route, then to the earlier rule.
var criteria = []struct {
	name    string
	compare func(a, b *candidate) int
}{
	{"its hostname fits the host better", func(a, b *candidate) int { return compareHostnames(a.written, b.written) }},
	{"it names a longer service", func(a, b *candidate) int {
		return -cmp.Compare(a.match.GRPC.ServiceLength, b.match.GRPC.ServiceLength)
	}},
	{"it names a longer method", func(a, b *candidate) int {
		return -cmp.Compare(a.match.GRPC.MethodLength, b.match.GRPC.MethodLength)
	}},
	{"its type of path match goes first (Exact, RegularExpression, PathPrefix)", func(a, b *candidate) int {
		return cmp.Compare(a.match.PathKind, b.match.PathKind)
	}},
	{"its path is longer", func(a, b *candidate) int { return -cmp.Compare(len(a.match.Path), len(b.match.Path)) }},
	{"it names a method", func(a, b *candidate) int { return -compareBool(a.match.Method != "", b.match.Method != "") }},
	{"it matches more headers", func(a, b *candidate) int { return -cmp.Compare(len(a.match.Headers), len(b.match.Headers)) }},
	{"it matches more query parameters", func(a, b *candidate) int { return -cmp.Compare(len(a.match.Query), len(b.match.Query)) }},
}

// bestHostname returns the route's own hostname that decides its precedence
// for requests to the given one; false where the route does not answer them.
func bestHostname(a graph.Attachment, hostname string) (string, bool) {
	best, found := "", false
	for _, h := range a.Hostnames {
		if covers(h.Effective, hostname) && (!found || compareHostnames(h.Written, best) < 0) {
			best, found = h.Written, true
		}
	}
	return best, found
}

// compareHostnames puts the hostname first that wins: one without a wildcard
// over one with, that over none, and the longer one.
func compareHostnames(a, b string) int {
	return cmp.Or(
		cmp.Compare(hostnameRank(a), hostnameRank(b)),
		-cmp.Compare(len(a), len(b)),
	)
}

func hostnameRank(hostname string) int {
	switch {
	case hostname == "":
		return 2
	case strings.HasPrefix(hostname, "*"):
		return 1
	}
	return 0
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
