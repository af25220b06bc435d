package nginx

import (
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// defaultIdleTimeout is the idle timeout that most rules have; it is printed
// once.
const defaultIdleTimeout = time.Hour

// Render returns what the Gateway's nginx is to serve. Text that nginx cannot
// hold makes its rule answer 500. With templates that fail to print, which
// ParseTemplates lets through only if they fail for some configurations, the
// bundle has no files, and no data plane accepts it.
func Render(g *graph.Gateway, t Templates) bundle.Bundle { return newCompilation(g).render(g, t) }

func (c *compilation) render(g *graph.Gateway, t Templates) bundle.Bundle {
	conf := c.configuration(g)
	b := bundle.Bundle{
		Gateway:      g.Key().String(),
		Generation:   g.Source.Generation,
		DrainSeconds: int64(g.Config.DrainTimeout / time.Second),
		GraceSeconds: int64(g.Config.TerminationGracePeriod / time.Second),
	}
	for _, set := range g.ListenerSets {
		if len(set.Listeners) > 0 {
			if b.ListenerSets == nil {
				b.ListenerSets = map[string]int64{}
			}
			b.ListenerSets[set.Incarnation()] = set.Source.Generation
		}
	}
	if files, err := t.print(conf, c.before, c.next); err == nil {
		b.Files = files
		for path, data := range c.authorities {
			b.Files = append(b.Files, bundle.File{Path: path, Data: data})
		}
	}
	b.Hop = c.hop()
	for path, data := range c.certificates {
		b.Certificates = append(b.Certificates, bundle.File{Path: path, Data: data})
	}
	for _, u := range c.streams {
		b.Upstreams = append(b.Upstreams, bundle.Upstream{ID: u.ID, Endpoints: slices.Clone(u.Endpoints)})
	}
	for id, u := range c.upstreams {
		b.Upstreams = append(b.Upstreams, bundle.Upstream{ID: id, Endpoints: slices.Clone(u.Endpoints)})
	}
	b.Sort()
	return b
}

// compilation gathers what servers refer to while they are made.
type compilation struct {
	// upstreams by ID.
	upstreams map[string]*graph.Upstream
	// certificates by path in the bundle.
	certificates map[string][]byte
	// clientCertificate is what backends are shown; nil for nothing.
	clientCertificate *graph.Certificate
	// authorities of clients and backends, by path in the bundle.
	authorities map[string][]byte
	// sticky are the upstreams, by ID, that bind clients to their members.
	// drained are those whose members belong into such upstreams.
	sticky  map[string]*sticky
	drained map[string]bool
	// hopRules and hopUpstreams, by ID, are what the hop does and where it sends
	// requests.
	hopRules     map[string]bundle.HopRule
	hopUpstreams map[string]*graph.Upstream
	// query are the names of query parameters; the index numbers the variable.
	query []string
	// origins are the lists of web sites that open websockets; the index numbers
	// the variable.
	origins [][]graph.Origin
	// corsOrigins are the lists of web sites of CORS; the index numbers the
	// variable.
	corsOrigins [][]graph.Origin
	// shares are those of requests that are copied; the index numbers the
	// variable. copies says that a rule copies requests.
	shares []int32
	copies bool
	// answersPreflight says that a rule does CORS.
	answersPreflight bool
	// countsWebSockets says that their number is limited somewhere.
	countsWebSockets bool
	// sharesPorts says that the stream block passes connections on to servers.
	sharesPorts bool
	// streams are the upstreams of the stream block, by ID; blameless says of which
	// no member is left out after a failure.
	streams   map[string]*graph.Upstream
	blameless map[string]bool

	// before and next are what is remembered; nil where nothing is to be.
	before, next *Memory
}

func newCompilation(g *graph.Gateway) *compilation { return emptyCompilation(g.ClientCertificate) }

func emptyCompilation(clientCertificate *graph.Certificate) *compilation {
	return &compilation{
		upstreams: map[string]*graph.Upstream{}, certificates: map[string][]byte{}, authorities: map[string][]byte{},
		sticky: map[string]*sticky{}, drained: map[string]bool{}, hopRules: map[string]bundle.HopRule{}, hopUpstreams: map[string]*graph.Upstream{},
		clientCertificate: clientCertificate,
	}
}

func (c *compilation) configuration(g *graph.Gateway) configuration {
	shared := sharedPorts(g)
	c.sharesPorts = len(shared) > 0
	conf := configuration{
		SharedPorts:  shared,
		Pod:          thePod(),
		DrainTimeout: token.NewDuration(g.Config.DrainTimeout),
		IdleTimeout:  token.NewDuration(defaultIdleTimeout),
		ProxyHeaders: c.commonHeaders().list(),
	}
	names := 0
	for _, p := range portsOf(g) {
		servers := c.servers(p)
		for _, s := range servers {
			names += len(s.Names)
		}
		conf.Servers = append(conf.Servers, servers...)
		if m, ok := p.serverNames(); ok {
			conf.ServerNames = append(conf.ServerNames, m)
		}
	}
	conf.QueryParameters = c.queryParameters()
	conf.OriginLists, conf.CountsWebSockets = c.originLists(), c.countsWebSockets
	conf.AllowedOrigins, conf.AnswersPreflight = c.allowedOrigins(), c.answersPreflight
	conf.Mirrors, conf.Shares = c.copies, c.sampled()
	conf.Upstreams = c.upstreamBlocks()
	if len(c.hopRules) > 0 {
		socket, _ := token.NewName(bundle.HopSocket)
		conf.Hop = &socket
	}
	conf.Streams = c.streamBlock(g)
	conf.ServerNamesHash = token.NewInt(powerOfTwo(2*names, 1024))
	conf.CertificateCache = token.NewInt(powerOfTwo(2*len(c.certificates), 64))
	return conf
}

func thePod() pod {
	dir, _ := token.NewName(bundle.RunDir)
	return pod{
		RunDir:             dir,
		ResolverPort:       token.NewInt(bundle.ResolverPort),
		StatusPort:         token.NewInt(bundle.StatusPort),
		NoEndpointsPort:    token.NewInt(bundle.NoEndpointsPort),
		InvalidBackendPort: token.NewInt(bundle.InvalidBackendPort),
		ClosedPort:         token.NewInt(bundle.ClosedPort),
	}
}

// upstreamBlocks are sorted by ID. The size of the zone that all upstreams
// share depends on their number alone, and in steps, so that a change of
// endpoints changes nothing; memory that is not used is not touched.
func (c *compilation) upstreamBlocks() []upstream {
	blocks := slices.DeleteFunc(blocksOf(c.upstreams), func(u upstream) bool { return c.drained[u.ID.String()] })
	for i := range blocks {
		blocks[i].Sticky = c.sticky[blocks[i].ID.String()]
	}
	return blocks
}

func blocksOf(upstreams map[string]*graph.Upstream) []upstream {
	const perUpstream = 64 << 10
	size := token.NewSize(powerOfTwo(perUpstream*len(upstreams), 4<<20))
	service, _ := token.NewName(bundle.ServiceName)
	zone, _ := token.NewName(bundle.Zone)
	idle := token.NewInt(idleConnections(len(upstreams)))
	var blocks []upstream
	for id := range upstreams {
		name, _ := token.NewName(id)
		blocks = append(blocks, upstream{ID: name, ZoneSize: size, Service: service, Zone: zone, Idle: idle})
	}
	slices.SortFunc(blocks, func(a, b upstream) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	return blocks
}

// idleConnections is how many connections a worker keeps for each of so many
// upstreams. With fewer than clients have requests under way, nginx closes and
// opens connections all the time, which takes it half as long again for each
// request; but it sets aside 157 bytes for each in advance. So it is many where
// there are few upstreams, and 5 MiB in all.
func idleConnections(upstreams int) int {
	return min(max(32<<10/powerOfTwo(upstreams, 1), 32), 512)
}

// upstream notes that the configuration uses the upstream. It refuses IDs that
// are no DNS labels, since nginx could not ask for them.
func (c *compilation) upstream(u *graph.Upstream) (token.Name, bool) {
	name, ok := upstreamName(u)
	if ok {
		c.upstreams[u.ID] = u
	}
	return name, ok
}

func upstreamName(u *graph.Upstream) (token.Name, bool) {
	if u == nil {
		return token.Name{}, false
	}
	name, ok := token.NewName(u.ID)
	if !ok || len(u.ID) > 63 || strings.ContainsAny(u.ID, "./_") {
		return token.Name{}, false
	}
	return name, true
}

// powerOfTwo returns the smallest power of two that is at least n and at least
// the smallest, itself a power of two.
func powerOfTwo(n, smallest int) int {
	p := smallest
	for p < n {
		p *= 2
	}
	return p
}
