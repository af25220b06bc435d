package nginx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// streams is the stream block.
type streams struct {
	Pod              pod
	CertificateCache token.Int
	ServerNamesHash  token.Int
	Upstreams        []streamUpstream
	Servers          []streamServer
}

// streamUpstream is an upstream of the stream block.
type streamUpstream struct {
	upstream
	// Blameless says that no member is left out for a time after a failure. The
	// stand-in for what no backend takes answers no datagram and speaks no TLS,
	// and must keep its share.
	Blameless bool
}

// streamServer is a server block of the stream block; exactly one of Pass, Proxy
// and Closed is set.
type streamServer struct {
	Port token.Int
	UDP  bool
	// Behind is where the server takes connections to decrypt that another one
	// at the port passes on; nil where it listens itself.
	Behind  *token.Address
	Default bool
	// Preread says that the server looks at the name in the TLS handshake, which
	// decides between the servers of the port.
	Preread     bool
	Names       []token.Host
	Certificate *token.Name
	// Sessions is a cache of TLS sessions; nil where the common one is right.
	Sessions *token.Name
	// Authorities of client certificates; nil where clients need none.
	Authorities *token.Name
	// Pass hands the connection to another server of this nginx, as it is.
	Pass   *token.Address
	Proxy  *streamProxy
	Closed bool
}

// streamProxy passes connections or datagrams to an upstream.
type streamProxy struct {
	Upstream    token.Name
	IdleTimeout token.Duration
	// OneAnswer ends a session with the answer to its datagram.
	OneAnswer bool
	// HalfClose lets one side go on after the other has said its last. Not where
	// nginx decrypts: TLS has a word of its own for the end, which would be missing.
	HalfClose bool
	// TLS is nil where nginx speaks to backends as it is spoken to, or in plain
	// text.
	TLS *backendTLS
}

// behindHost is the loopback address of the servers that the port's front passes
// connections on to: it has the port's number in it, so no two ports share one.
func behindHost(port int32) token.Name {
	name, _ := token.NewName(fmt.Sprintf("127.77.%d.%d", port>>8&0xff, port&0xff))
	return name
}

func behind(port int32, inner int) *token.Address {
	address := token.NewAddress(behindHost(port), token.NewInt(inner))
	return &address
}

// behind is where the port's servers take connections; nil where they listen
// themselves.
func (p *port) behind() *token.Address {
	if len(p.others) == 0 {
		return nil
	}
	return behind(p.number, bundle.BehindHTTPPort)
}

// frontsAt returns the listeners of protocol TLS that have the port.
func frontsAt(g *graph.Gateway, number int32) []*graph.Listener {
	var all []*graph.Listener
	for _, l := range g.Listeners {
		if isFront(l) && l.Source.Port == number {
			all = append(all, l)
		}
	}
	return all
}

func isFront(l *graph.Listener) bool {
	return l.Serves() && l.Source.Protocol == gatewayv1.TLSProtocolType
}

// sharedPorts are the ports of HTTPS listeners that also have listeners of
// protocol TLS.
func sharedPorts(g *graph.Gateway) []sharedPort {
	var shared []sharedPort
	for _, p := range portsOf(g) {
		if len(p.others) > 0 {
			shared = append(shared, sharedPort{Port: token.NewInt(p.number), Address: behindHost(p.number)})
		}
	}
	return shared
}

// fronts returns the TCP ports that have listeners of protocol TLS, sorted, with
// all their listeners.
func fronts(g *graph.Gateway) []*port {
	var all []*port
	for _, l := range g.Listeners {
		if !isFront(l) || slices.ContainsFunc(all, func(p *port) bool { return p.number == l.Source.Port }) {
			continue
		}
		p := &port{number: l.Source.Port, tls: true, listeners: frontsAt(g, l.Source.Port)}
		for _, other := range g.Listeners {
			if other.Serves() && other.Source.Port == p.number && other.Source.Protocol == gatewayv1.HTTPSProtocolType {
				p.listeners = append(p.listeners, other)
			}
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *port) int { return cmp.Compare(a.number, b.number) })
	return all
}

// streamBlock returns what listeners of protocol TLS, TCP and UDP need; nil
// where there are none.
func (c *compilation) streamBlock(g *graph.Gateway) *streams {
	block := &streams{Pod: thePod()}
	c.streams, c.blameless = map[string]*graph.Upstream{}, map[string]bool{}
	for _, p := range fronts(g) {
		block.Servers = append(block.Servers, c.frontServers(p)...)
	}
	for _, l := range plainListeners(g) {
		block.Servers = append(block.Servers, c.plainServer(l))
	}
	if len(block.Servers) == 0 {
		return nil
	}
	names := 0
	for _, s := range block.Servers {
		names += len(s.Names)
	}
	block.ServerNamesHash = token.NewInt(powerOfTwo(2*names, 1024))
	block.CertificateCache = token.NewInt(powerOfTwo(2*len(c.certificates), 64))
	block.Upstreams = c.streamUpstreams()
	return block
}

// plainListeners are those of protocol TCP and UDP, by port.
func plainListeners(g *graph.Gateway) []*graph.Listener {
	var all []*graph.Listener
	for _, l := range g.Listeners {
		if l.Serves() && l.IsStream() && !isFront(l) {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *graph.Listener) int {
		return cmp.Or(cmp.Compare(a.Source.Port, b.Source.Port), strings.Compare(string(a.Source.Protocol), string(b.Source.Protocol)))
	})
	return all
}

// plainServer serves a listener of protocol TCP or UDP, of which one route has
// everything.
func (c *compilation) plainServer(l *graph.Listener) streamServer {
	s := streamServer{Port: token.NewInt(l.Source.Port), UDP: l.Source.Protocol == gatewayv1.UDPProtocolType}
	_, rule := l.StreamRule("")
	c.send(&s, rule)
	if s.UDP && s.Proxy != nil && l.Source.Port == graph.DomainPort {
		s.Proxy.OneAnswer, s.Proxy.IdleTimeout = true, token.NewDuration(graph.DomainTimeout)
	}
	return s
}

// send has the server do what the rule says; without a rule it closes.
func (c *compilation) send(s *streamServer, rule *graph.Rule) {
	if rule == nil {
		s.Closed = true
		return
	}
	name, ok := upstreamName(rule.Upstream)
	if !ok {
		s.Closed = true
		return
	}
	c.streams[rule.Upstream.ID] = rule.Upstream
	c.blameless[rule.Upstream.ID] = s.UDP || rule.Upstream.TLS != nil
	s.Proxy = &streamProxy{
		Upstream: name, IdleTimeout: token.NewDuration(rule.IdleTimeout),
		OneAnswer: rule.OneAnswer, HalfClose: !s.UDP && s.Behind == nil,
	}
}

// sendDecrypted has a server that decrypts do what the rule says. Where backends
// are to be spoken to by TLS and nginx cannot, it closes.
func (c *compilation) sendDecrypted(s *streamServer, rule *graph.Rule) {
	if rule.Upstream == nil || rule.Upstream.Refused {
		s.Closed = true
		return
	}
	tls, ok := c.backendTLS(rule.Upstream)
	if !ok {
		s.Closed = true
		return
	}
	if c.send(s, rule); s.Proxy != nil {
		s.Proxy.TLS = tls
	}
}

// frontServers returns the servers of a port at which the name in the TLS
// handshake decides: those that listen, the default one first, and those that
// decrypt behind them. nginx leaves the handshake in the socket, so a connection
// can be passed on, and the server behind sees the client's own address
// (ngx_stream_pass_module). Nobody's name is nobody's connection: it is closed.
func (c *compilation) frontServers(p *port) []streamServer {
	names, owners := p.hostnames()
	servers := []streamServer{{Port: token.NewInt(p.number), Default: true, Preread: true, Closed: true}}
	var inner []streamServer
	for _, name := range names {
		owner := owners[name]
		host, ok := token.NewHost(name)
		// The name of an HTTPRoute is covered by its listener's.
		if name != "" && !ok || !owner.IsStream() && name != owner.Hostname {
			continue
		}
		front, decrypting := c.frontServer(p, owner, name)
		if name == "" {
			front.Default = true
			servers[0] = front
		} else {
			servers = addNamed(servers, front, host)
		}
		switch {
		case decrypting == nil:
		case name == "":
			decrypting.Default = true
			inner = slices.Insert(inner, 0, *decrypting)
		default:
			inner = addNamed(inner, *decrypting, host)
		}
	}
	return append(servers, inner...)
}

// frontServer returns the server for one name of a listener, without the name,
// and the one behind it that decrypts; nil where nobody here does.
func (c *compilation) frontServer(p *port, owner *graph.Listener, name string) (front streamServer, decrypting *streamServer) {
	front = streamServer{Port: token.NewInt(p.number), Preread: true}
	_, rule := owner.StreamRule(name)
	switch {
	case !owner.IsStream():
		front.Pass = behind(p.number, bundle.BehindHTTPPort)
	case owner.Passthrough || rule == nil:
		c.send(&front, rule)
	default:
		front.Pass = behind(p.number, bundle.BehindTLSPort)
		decrypting = c.decrypting(p, owner)
		c.sendDecrypted(decrypting, rule)
	}
	return front, decrypting
}

// decrypting returns the server of a listener that terminates TLS, without what
// it does then.
func (c *compilation) decrypting(p *port, owner *graph.Listener) *streamServer {
	s := &streamServer{Port: token.NewInt(p.number), Behind: behind(p.number, bundle.BehindTLSPort)}
	s.Certificate = c.certificate(owner.Certificates[0])
	if asked, sessions := c.clientValidation(&port{listeners: []*graph.Listener{owner}}); asked != nil {
		s.Authorities = &asked.Authorities
		name, _ := token.NewName("gw_stream_" + strings.TrimPrefix(sessions.String(), "gw_"))
		s.Sessions = &name
	}
	return s
}

// addNamed gives the name to the server that does the same, if there is one with
// names, and else adds one.
func addNamed(servers []streamServer, s streamServer, host token.Host) []streamServer {
	at := slices.IndexFunc(servers, func(other streamServer) bool { return !other.Default && other.same(s) })
	if at >= 0 {
		servers[at].Names = append(servers[at].Names, host)
		return servers
	}
	s.Names = []token.Host{host}
	return append(servers, s)
}

// same says that two servers of a port differ in their names at the most.
func (s streamServer) same(other streamServer) bool {
	return s.Closed == other.Closed && equal(s.Pass, other.Pass) && s.Proxy.same(other.Proxy) &&
		equal(s.Certificate, other.Certificate) && equal(s.Authorities, other.Authorities)
}

func (p *streamProxy) same(other *streamProxy) bool {
	if p == nil || other == nil {
		return p == other
	}
	return p.Upstream == other.Upstream && p.IdleTimeout == other.IdleTimeout
}

func equal[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// streamUpstreams are sorted by ID, and sized as those of the http block.
func (c *compilation) streamUpstreams() []streamUpstream {
	var blocks []streamUpstream
	for _, u := range blocksOf(c.streams) {
		blocks = append(blocks, streamUpstream{u, c.blameless[u.ID.String()]})
	}
	return blocks
}
