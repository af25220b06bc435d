package nginx

import (
	"reflect"
	"slices"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// Memory is what one rendering leaves for the next one of the same Gateway: what
// follows from rules that the two graphs have in common (graph.Rebuild), and the
// text of blocks that are the same. It is immutable; nil remembers nothing.
type Memory struct {
	templates Templates
	locations map[memoryKey][]rememberedLocations
	servers   map[serverKey]printedServer
	upstreams map[upstream]string
}

// memoryKey is what locations depend on, beside the matches and their rules. What
// else a Gateway says, such as which ports speak TLS, was the same where graphs have
// rules in common.
type memoryKey struct {
	first *graph.Match
	port  int32
}

// rememberedLocations are those of one server.
type rememberedLocations struct {
	matches   []*graph.Match
	locations []location
	upstreams []*graph.Upstream
}

// serverKey finds the server that was there before, more often than not.
type serverKey struct {
	port token.Int
	name token.Host
}

// printedServer is a server with its text.
type printedServer struct {
	server
	Text string
}

// printedUpstream is an upstream with its text.
type printedUpstream struct {
	upstream
	Text string
}

// Render returns what the function Render does, and what to remember for the next
// time.
func (m *Memory) Render(g *graph.Gateway, t Templates) (bundle.Bundle, *Memory) {
	if m == nil || m.templates != t {
		m = &Memory{}
	}
	next := &Memory{
		templates: t,
		locations: make(map[memoryKey][]rememberedLocations, len(m.locations)),
		servers:   make(map[serverKey]printedServer, len(m.servers)),
		upstreams: make(map[upstream]string, len(m.upstreams)),
	}
	c := newCompilation(g)
	c.before, c.next = m, next
	return c.render(g, t), next
}

// recalled returns the locations of the server, those of before where they would be
// the same. What needs more of the compilation than upstreams is not remembered.
func (c *compilation) recalled(of content, otherwise handler) []location {
	if c.next == nil || of.redirect != nil || len(of.candidates) == 0 {
		return c.locations(of, otherwise)
	}
	key := memoryKey{of.candidates[0].match, of.owner.Source.Port}
	made, ok := find(c.before.locations[key], of.candidates)
	if !ok {
		alone := c.apart()
		made.locations = alone.locations(of, otherwise)
		if !alone.hasOnlyUpstreams(c.apart()) {
			return c.locations(of, otherwise)
		}
		for _, candidate := range of.candidates {
			made.matches = append(made.matches, candidate.match)
		}
		for _, u := range alone.upstreams {
			made.upstreams = append(made.upstreams, u)
		}
	}
	for _, u := range made.upstreams {
		c.upstreams[u.ID] = u
	}
	c.next.locations[key] = append(c.next.locations[key], made)
	return made.locations
}

func find(all []rememberedLocations, candidates []candidate) (rememberedLocations, bool) {
	at := slices.IndexFunc(all, func(r rememberedLocations) bool {
		return slices.EqualFunc(r.matches, candidates, func(m *graph.Match, c candidate) bool { return m == c.match })
	})
	if at < 0 {
		return rememberedLocations{}, false
	}
	return all[at], true
}

// apart returns a compilation that has what this one began with.
func (c *compilation) apart() *compilation {
	fresh := emptyCompilation(c.clientCertificate)
	fresh.sharesPorts = c.sharesPorts
	return fresh
}

// hasOnlyUpstreams says that nothing but upstreams was added to a fresh one.
func (c *compilation) hasOnlyUpstreams(fresh *compilation) bool {
	rest := *c
	rest.upstreams = fresh.upstreams
	return reflect.DeepEqual(&rest, fresh)
}

// textOfServer returns the text that the server had before, if it was the same.
func (m *Memory) textOfServer(s server) (string, bool) {
	if m == nil {
		return "", false
	}
	known, ok := m.servers[keyOf(s)]
	return known.Text, ok && reflect.DeepEqual(known.server, s)
}

// textOfUpstream is like textOfServer.
func (m *Memory) textOfUpstream(u upstream) (string, bool) {
	if m == nil {
		return "", false
	}
	text, ok := m.upstreams[u]
	return text, ok
}

// keep remembers the text. What a session needs is told apart by its address, so
// that such upstreams are printed each time.
func (m *Memory) keep(all assembled) {
	if m == nil {
		return
	}
	for _, s := range all.Servers {
		m.servers[keyOf(s.server)] = s
	}
	for _, u := range all.Upstreams {
		if u.Sticky == nil {
			m.upstreams[u.upstream] = u.Text
		}
	}
}

func keyOf(s server) serverKey {
	key := serverKey{port: s.Port}
	if len(s.Names) > 0 {
		key.name = s.Names[0]
	}
	return key
}
