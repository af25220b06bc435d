package nginx

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// port is a port that listeners of a Gateway share. All of them speak TLS or
// none does: graph takes no others.
type port struct {
	number    int32
	tls       bool
	listeners []*graph.Listener
	// others are listeners of protocol TLS that have the port, too.
	others []*graph.Listener
}

// portsOf returns the ports that the Gateway's sound listeners have, sorted.
func portsOf(g *graph.Gateway) []*port {
	byNumber := map[int32]*port{}
	var ports []*port
	for _, l := range g.Listeners {
		if !l.Serves() || l.IsStream() {
			continue
		}
		number := l.Source.Port
		p := byNumber[number]
		if p == nil {
			p = &port{number: number, tls: l.TLS, others: frontsAt(g, number)}
			byNumber[number] = p
			ports = append(ports, p)
		}
		if p.tls == l.TLS {
			p.listeners = append(p.listeners, l)
		}
	}
	slices.SortFunc(ports, func(a, b *port) int { return cmp.Compare(a.number, b.number) })
	return ports
}

// owner returns the listener that has the hostname to itself: the most specific
// one that covers it (Gateway API, listener isolation); nil where none does.
func (p *port) owner(hostname string) *graph.Listener {
	var owner *graph.Listener
	for _, l := range slices.Concat(p.listeners, p.others) {
		if covers(l.Hostname, hostname) && (owner == nil || len(l.Hostname) > len(owner.Hostname)) {
			owner = l
		}
	}
	return owner
}

// covers says whether all hosts of the second hostname are also hosts of the
// first. Empty is any host; a wildcard stands for one or more labels.
func covers(hostname, other string) bool {
	if hostname == "" || hostname == other {
		return true
	}
	suffix, wildcard := strings.CutPrefix(hostname, "*")
	return wildcard && len(other) > len(suffix) && strings.HasSuffix(strings.TrimPrefix(other, "*"), suffix)
}

// hostnames returns the hostnames that need servers of their own, those of
// listeners and those of the routes that they own, sorted; with each, its
// owner.
func (p *port) hostnames() ([]string, map[string]*graph.Listener) {
	owners := map[string]*graph.Listener{}
	for _, l := range p.others {
		owners[l.Hostname] = l
	}
	for _, l := range p.listeners {
		owners[l.Hostname] = p.owner(l.Hostname)
		if l.HTTPSRedirect != nil {
			for _, t := range l.HTTPSRedirect.Targets {
				owners[t.Hostname] = p.owner(t.Hostname)
			}
		}
		for _, a := range l.Routes {
			for _, h := range a.Hostnames {
				if p.owner(h.Effective) == l {
					owners[h.Effective] = l
				}
			}
		}
	}
	var names []string
	for name := range owners {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, owners
}

// servers returns the servers of a port, the default one first. Hostnames of
// one listener under which the same matches count in the same order share a
// server.
func (c *compilation) servers(p *port) []server {
	names, owners := p.hostnames()
	routes := map[*graph.Listener]attachmentIndex{}
	for _, l := range p.listeners {
		routes[l] = indexAttachments(l.Routes)
	}
	var servers []server
	seen := contents{}
	hasDefault := false
	for _, name := range names {
		host, ok := token.NewHost(name)
		if name != "" && !ok {
			continue
		}
		owner := owners[name]
		if owner.IsStream() {
			s := c.elsewhere(p, host, name == "")
			hasDefault = hasDefault || s.Default
			servers = append(servers, s)
			continue
		}
		candidates := candidatesOf(routes[owner], name)
		otherwise, redirected := toHTTPS(owner, name)
		if redirected {
			candidates = challenges(candidates)
		}
		serves := content{owner: owner, candidates: candidates, redirect: otherwise.Redirect}
		if at, ok := seen.find(serves); ok && name != "" {
			servers[at].Names = append(servers[at].Names, host)
			continue
		}
		s := c.server(p, owner)
		if name == "" {
			s.Default, hasDefault = true, true
		} else {
			s.Names = []token.Host{host}
			seen.add(serves, len(servers))
		}
		s.Locations = c.recalled(serves, otherwise)
		servers = append(servers, s)
	}
	if !hasDefault {
		servers = slices.Insert(servers, 0, c.fallback(p))
	}
	return servers
}

// contents remembers what servers serve, by the first rule.
type contents map[*graph.Rule][]content

type content struct {
	owner      *graph.Listener
	candidates []candidate
	// redirect is what happens to requests that match no candidate; nil where
	// they are answered with 404.
	redirect *redirect
	at       int
}

func firstRule(candidates []candidate) *graph.Rule {
	if len(candidates) == 0 {
		return nil
	}
	return candidates[0].rule
}

func (cs contents) add(c content, at int) {
	key := firstRule(c.candidates)
	c.at = at
	cs[key] = append(cs[key], c)
}

// find returns the place of the server that serves the same.
func (cs contents) find(wanted content) (int, bool) {
	for _, c := range cs[firstRule(wanted.candidates)] {
		if c.owner == wanted.owner && sameRedirect(c.redirect, wanted.redirect) &&
			slices.EqualFunc(c.candidates, wanted.candidates, candidate.same) {
			return c.at, true
		}
	}
	return 0, false
}

func sameRedirect(a, b *redirect) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// server returns the server without names and locations.
func (c *compilation) server(p *port, owner *graph.Listener) server {
	s := server{Port: token.NewInt(p.number), Behind: p.behind(), TLS: p.tls}
	if p.tls {
		s.Certificate = c.certificate(owner.Certificates[0])
	}
	s.ClientCertificates, s.Sessions = c.clientValidation(p)
	s.AnyCertificate = anyCertificate(p)
	if _, several := p.serverNames(); several {
		s.Misdirected = &misdirected{
			Variable: token.ServerNameListener(p.number),
			Listener: token.NewInt(owner.Position),
		}
	}
	return s
}

// elsewhere is the server of a hostname that a listener of protocol TLS has. Its
// connections never come here; requests on another host's connection do, since
// browsers use one for all that its certificate is for. They are told to make
// one of their own (421, RFC 9110 section 15.5.20).
func (c *compilation) elsewhere(p *port, host token.Host, isDefault bool) server {
	root, _ := token.NewPath("/")
	_, sessions := c.clientValidation(p)
	s := server{
		Sessions: sessions,
		Port:     token.NewInt(p.number), Behind: p.behind(), TLS: p.tls, Default: isDefault, RejectHandshake: true,
		Locations: []location{{Prefix: &root, Handler: refuse(421)}},
	}
	if !isDefault {
		s.Names = []token.Host{host}
	}
	return s
}

// fallback is the default server of a port that has no listener for any host:
// it refuses handshakes for other names, and requests for other hosts on
// connections whose handshake was for one of ours.
func (c *compilation) fallback(p *port) server {
	_, sessions := c.clientValidation(p)
	return server{
		Sessions:        sessions,
		Port:            token.NewInt(p.number),
		Behind:          p.behind(),
		TLS:             p.tls,
		Default:         true,
		RejectHandshake: p.tls,
		Locations:       []location{notFound()},
	}
}

// serverNames returns the map that tells which listener a handshake was with,
// for a TLS port with several: a connection that a client made to one of them
// does not serve another's hosts (421, RFC 9110 section 15.5.20).
func (p *port) serverNames() (serverNames, bool) {
	if !p.tls || len(p.listeners) < 2 {
		return serverNames{}, false
	}
	m := serverNames{Variable: token.ServerNameListener(p.number)}
	for _, l := range p.listeners {
		index := token.NewInt(l.Position)
		if l.Hostname == "" {
			m.Default = &index
			continue
		}
		if host, ok := token.NewHost(l.Hostname); ok {
			m.Listeners = append(m.Listeners, serverNameListener{Hostname: token.NewMapHost(host), Index: index})
		}
	}
	return m, true
}

// certificate puts the certificate into the bundle and returns its file's
// absolute path in the pod.
func (c *compilation) certificate(cert graph.Certificate) *token.Name {
	printed, _ := token.NewName(path.Join(bundle.RunDir, c.certificatePath(cert)))
	return &printed
}

// certificatePath puts the certificate into the bundle and returns its path
// there. The name tells the Secret; the hash keeps Secrets apart whose names run
// together or are too long for a file's name.
func (c *compilation) certificatePath(cert graph.Certificate) string {
	const longest = 200
	sum := sha256.Sum256([]byte(cert.Secret.String()))
	name := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, cert.Secret.Namespace+"-"+cert.Secret.Name)
	file := "certs/" + name[:min(len(name), longest)] + "-" + hex.EncodeToString(sum[:4]) + ".pem"
	c.certificates[file] = cert.PEM
	return file
}
