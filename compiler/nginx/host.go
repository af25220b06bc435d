package nginx

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
)

// Host is what requests for one host meet at a port of a Gateway: the server
// that the configuration has for them, before it is printed.
type Host struct {
	// Listener has the host to itself; nil where no listener has it, and
	// requests are answered with 404.
	Listener *graph.Listener
	// Candidates are the matches that count, in the order in which they win.
	Candidates []Candidate
	// Redirect is made of requests that fit no candidate; nil where they are
	// answered with 404.
	Redirect *Location
	// Redirected are matches that do not count, since the listener redirects
	// what would fit them.
	Redirected []Candidate
	// Isolated says that a connection whose TLS handshake was with another
	// listener is answered with 421.
	Isolated bool
}

// Candidate is one match of one rule of a route.
type Candidate struct {
	Route *graph.Route
	Rule  *graph.Rule
	Match *graph.Match
	// Hostname is the route's own that decides its precedence; empty where the
	// route names none.
	Hostname string
	// Refuses says that nginx cannot hold a part of the match or of the rule:
	// what fits the rest is answered with 500.
	Refuses bool
	// Location of a redirect; nil where the rule makes none.
	Location *Location

	candidate candidate
}

// Location is that of a redirect, still to be made for a request.
type Location struct{ redirect redirect }

// Of returns the Location for a request with that host, without port, and that
// target: path and query as the client encoded them. False says that nginx
// answers 400: the client encoded a character of the prefix that needs none.
func (l Location) Of(host, target string) (string, bool) {
	variables := map[string]string{"host": host, "request_uri": target, "gw_dollar": "$"}
	if _, query, ok := strings.Cut(target, "?"); ok && query != "" {
		variables["is_args"], variables["args"] = "?", query
	}
	if rest := l.redirect.Rest; rest != nil {
		pattern, err := regexp.Compile(rest.Expression())
		if err != nil {
			return "", false
		}
		found := pattern.FindStringSubmatch(target)
		if found == nil {
			return "", false
		}
		variables["gw_rest"] = found[1]
	}
	return l.redirect.Location.Expand(variables), true
}

// Over says why the candidate wins over one that comes after it.
func (c Candidate) Over(other Candidate) string {
	for _, by := range criteria {
		if by.compare(&c.candidate, &other.candidate) != 0 {
			return by.name
		}
	}
	if c.Route == other.Route {
		return "it is the earlier one of the route"
	}
	return "its route is older, or comes first by namespace and name"
}

// Listens returns the ports on which the Gateway's nginx listens, and which of
// them speak TLS; sorted.
func Listens(g *graph.Gateway) (ports []int32, tls map[int32]bool) {
	tls = map[int32]bool{}
	for _, p := range portsOf(g) {
		ports = append(ports, p.number)
		tls[p.number] = p.tls
	}
	return ports, tls
}

// HostAt returns what requests for the host, in lower case, meet at the port;
// false where the Gateway does not listen there.
func HostAt(g *graph.Gateway, number int32, host string) (Host, bool) {
	p := portOf(g, number)
	if p == nil {
		return Host{}, false
	}
	names, owners := p.hostnames()
	server, found := serverName(names, host)
	if !found {
		return Host{}, true
	}
	owner := owners[server]
	_, several := p.serverNames()
	h := Host{Listener: owner, Isolated: several || len(p.others) > 0}
	if owner.IsStream() {
		return h, true
	}
	otherwise, redirected := toHTTPS(owner, server)
	if redirected {
		h.Redirect = &Location{*otherwise.Redirect}
	}
	set := &locationSet{compilation: newCompilation(g), listener: owner, jumps: map[string]bool{}}
	for _, c := range candidatesOf(indexAttachments(owner.Routes), server) {
		if _, ok := blockOf(placeOf(c.match)); !ok {
			continue
		}
		// A place of its own needs no look at the path.
		_, printable := set.testsOf(c.match, c.match.PathKind != graph.PathExact)
		result := set.handler(c, printable)
		found := Candidate{
			Route: c.route, Rule: c.rule, Match: c.match, Hostname: c.written,
			Refuses: result.Return != nil, candidate: c,
		}
		if result.Redirect != nil {
			found.Location = &Location{*result.Redirect}
		}
		if redirected && !c.match.IsChallenge() {
			h.Redirected = append(h.Redirected, found)
			continue
		}
		h.Candidates = append(h.Candidates, found)
	}
	return h, true
}

// Handshake returns the listener that a TLS handshake for the server name, empty
// for none, is with; false where it is refused.
func Handshake(g *graph.Gateway, number int32, name string) (*graph.Listener, bool) {
	p := portOf(g, number)
	if p == nil {
		return nil, false
	}
	names, _ := p.hostnames()
	if _, known := serverName(names, name); !known {
		return nil, false
	}
	return p.owner(name), true
}

func portOf(g *graph.Gateway, number int32) *port {
	for _, p := range portsOf(g) {
		if p.number == number {
			return p
		}
	}
	return nil
}

// serverName returns the name of the server that nginx takes for the host: the
// equal one, else the longest wildcard, else the default server's empty one
// (nginx, "Server names").
func serverName(names []string, host string) (string, bool) {
	best, found := "", false
	for _, name := range names {
		if name == host {
			return name, true
		}
		if strings.HasPrefix(name, "*.") && covers(name, host) && len(name) > len(best) {
			best, found = name, true
		}
	}
	return best, found || slices.Contains(names, "")
}
