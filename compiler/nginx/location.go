package nginx

import (
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// place is where nginx sends requests by their path: a location.
type place struct {
	kind graph.PathKind
	// path is the decoded path, or prefix without a trailing slash ("" for
	// all), or the regular expression.
	path string
}

// placeOf returns the place that a match makes, and its path as it prints.
func placeOf(m *graph.Match) place {
	switch m.PathKind {
	case graph.PathRegex:
		return place{graph.PathRegex, m.Path}
	case graph.PathExact:
		return place{graph.PathExact, token.DecodePath(m.Path)}
	}
	return place{graph.PathPrefix, strings.TrimRight(token.DecodePath(m.Path), "/")}
}

// ancestors returns the prefixes that all requests at the exact or prefix place
// have, by whole segments.
func (p place) ancestors() []place {
	prefixes := []place{{graph.PathPrefix, p.path}}
	for i := len(p.path) - 1; i >= 0; i-- {
		if p.path[i] == '/' {
			prefixes = append(prefixes, place{graph.PathPrefix, p.path[:i]})
		}
	}
	return prefixes
}

// locationSet makes the locations of one server.
type locationSet struct {
	*compilation
	listener   *graph.Listener
	candidates []candidate
	// otherwise is for requests that match no candidate.
	otherwise handler
	// places in the order in which they print.
	places []place
	// at has the indexes of the candidates that make a place.
	at map[place][]int
	// regexes and prefixes have the indexes of candidates of those kinds.
	regexes, prefixes []int
	// regexOrder is the order in which nginx tries regular expressions.
	regexOrder map[string]int
	// named are the locations that choices lead to.
	named []location
	// internal are those that copies of requests are sent from.
	internal []location
	jumps    map[string]bool
}

// locations returns the locations of a server, the named ones last. Matches whose path nginx
// cannot hold are left out: no request has such a path.
func (c *compilation) locations(of content, otherwise handler) []location {
	s := &locationSet{
		compilation: c, listener: of.owner, otherwise: otherwise,
		at: map[place][]int{}, regexOrder: map[string]int{}, jumps: map[string]bool{},
	}
	for _, candidate := range of.candidates {
		if _, ok := blockOf(placeOf(candidate.match)); ok {
			s.add(candidate)
		}
	}
	s.addPlace(place{graph.PathPrefix, ""})
	// Regular expressions keep their order, which decides; the rest is put in
	// an order that reads well.
	slices.SortStableFunc(s.places, func(a, b place) int {
		if a.kind == graph.PathRegex || b.kind == graph.PathRegex {
			return compareBool(a.kind == graph.PathRegex, b.kind == graph.PathRegex)
		}
		return strings.Compare(a.path+"/", b.path+"/")
	})
	var locations []location
	for _, p := range s.places {
		l := s.location(p)
		makeKeysOnce(l.Choices)
		locations = append(locations, l)
	}
	return slices.Concat(locations, s.named, s.internal)
}

// add takes in a candidate and its place. A prefix is also an exact place,
// since the location "/p/" has everything below "/p" but not "/p" itself.
func (s *locationSet) add(c candidate) {
	index, p := len(s.candidates), placeOf(c.match)
	s.candidates = append(s.candidates, c)
	switch p.kind {
	case graph.PathRegex:
		s.regexes = append(s.regexes, index)
		if _, ok := s.regexOrder[p.path]; !ok {
			s.regexOrder[p.path] = len(s.regexOrder)
		}
	case graph.PathPrefix:
		s.prefixes = append(s.prefixes, index)
		if p.path != "" {
			s.addPlace(place{graph.PathExact, p.path})
		}
	}
	s.addPlace(p)
	s.at[p] = append(s.at[p], index)
}

func (s *locationSet) addPlace(p place) {
	if _, ok := s.at[p]; !ok {
		s.at[p] = nil
		s.places = append(s.places, p)
	}
}

// possible returns the candidates that requests at the place could match: by
// index, in order, and whether their path is certain to fit. It leans on the
// way nginx chooses a location: the equal path, else the first regular
// expression that fits, else the longest prefix.
func (s *locationSet) possible(p place) ([]int, map[int]bool) {
	indexes := slices.Clone(s.at[p])
	certain := map[int]bool{}
	if p.kind != graph.PathRegex {
		for _, prefix := range p.ancestors() {
			if prefix != p {
				indexes = append(indexes, s.at[prefix]...)
			}
		}
	}
	for _, i := range indexes {
		certain[i] = true
	}
	switch p.kind {
	case graph.PathExact:
		indexes = append(indexes, s.regexes...)
	case graph.PathRegex:
		for _, i := range s.at[place{graph.PathPrefix, ""}] {
			certain[i] = true
		}
		indexes = append(indexes, s.prefixes...)
		for _, i := range s.regexes {
			// Requests that fit an earlier expression are at its own place.
			if s.regexOrder[s.candidates[i].match.Path] > s.regexOrder[p.path] {
				indexes = append(indexes, i)
			}
		}
	}
	slices.Sort(indexes)
	return indexes, certain
}

// location returns the location of a place: its candidates in order, up to the
// first that every request there matches.
func (s *locationSet) location(p place) location {
	l, _ := blockOf(p)
	indexes, certain := s.possible(p)
	for _, i := range indexes {
		c := s.candidates[i]
		tests, ok := s.testsOf(c.match, !certain[i])
		if len(tests) > 0 {
			l.Choices = append(l.Choices, choose(tests, s.jump(c, ok)))
			continue
		}
		if len(l.Choices) > 0 {
			target := s.jump(c, ok)
			l.Handler = handler{Jump: &target}
			return l
		}
		s.serve(&l, c, ok)
		return l
	}
	l.Handler = s.otherwise
	return l
}

// blockOf returns the location of a place, still empty.
func blockOf(p place) (location, bool) {
	switch p.kind {
	case graph.PathRegex:
		pattern, ok := token.PathPattern(p.path)
		return location{Regex: &pattern}, ok
	case graph.PathExact:
		path, ok := token.NewPath(p.path)
		return location{Exact: &path}, ok
	}
	path, ok := token.NewPath(p.path + "/")
	return location{Prefix: &path}, ok
}

// jump returns the named location that handles the candidate, and makes it if
// it is new. Candidates whose match does not print share one.
func (s *locationSet) jump(c candidate, printable bool) token.NamedLocation {
	words := s.words(c)
	if !printable {
		words = []string{"refused"}
	}
	name := token.NewNamedLocation(words...)
	if !s.jumps[name.String()] {
		s.jumps[name.String()] = true
		l := location{Named: &name}
		s.serve(&l, c, printable)
		s.named = append(s.named, l)
	}
	return name
}

// words name what the candidate's rule does, one for all matches for which it
// does the same.
func (s *locationSet) words(c candidate) []string {
	words := []string{c.route.Source.GetNamespace(), c.route.Source.GetName(), token.NewInt(c.rule.Index).String()}
	if dependsOnMatch(c.rule) {
		words = append(words, token.NewInt(c.match.Index).String())
	}
	return words
}

// serve has the location do what the candidate's rule says.
func (s *locationSet) serve(l *location, c candidate, printable bool) {
	l.Handler = s.handler(c, printable)
	if p := l.Handler.Proxy; p != nil && len(p.Mirrors) > 0 {
		l.Choices = append(l.Choices, s.copied(c, l.Handler))
		l.Handler = withoutMirrors(l.Handler)
	}
}

func notFound() location {
	path, _ := token.NewPath("/")
	return location{Prefix: &path, Handler: refuse(404)}
}

func refuse(status int) handler {
	code := token.NewInt(status)
	return handler{Return: &code}
}
