package resolver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// Options of a Server. Zero values stand for what was measured to serve nginx
// best.
type Options struct {
	// Address is where to listen, over UDP and TCP; port 0 takes a free one.
	Address string
	// Hold is how long a query without news waits. A change within a second of its
	// end waits for nginx to ask again, so it is to be many seconds. Default 4 min.
	Hold time.Duration
	// Gather is how long a change waits for others before held queries are
	// answered: nginx asks again only a second after an answer, so a change
	// just missed would wait that long. Default 10 ms.
	Gather time.Duration
	Logger *slog.Logger
}

// Server answers nginx.
type Server struct {
	options Options
	udp     *dns.Server
	tcp     *dns.Server
	address string

	mu      sync.Mutex
	records map[string]*record
	sets    map[string]set
	ledger  *ledger
	outbox  *outbox
	// flushing is set while changes are gathered, and changed are the upstreams
	// that were changed singly meanwhile.
	flushing bool
	changed  map[string]struct{}
	stats    Stats
}

// set is a named set of addresses. One that is no longer part of any upstream
// is kept until its time, as nginx may just have been told its name.
type set struct {
	addresses []netip.Addr
	until     time.Time
}

// Stats are counts since the start, and the present.
type Stats struct {
	// Queries by kind: srv, a, aaaa, other.
	Queries map[string]uint64
	// Repeated counts retransmitted queries that were dropped.
	Repeated uint64
	// Held is the number of queries that wait for news now.
	Held int
	// Upstreams and Endpoints are the size of the table.
	Upstreams int
	Endpoints int
}

const (
	setLifetime = time.Minute
	tick        = time.Second
	readBuffer  = 4 << 20
)

// Listen opens the sockets. Queries wait in them until Serve is called.
func Listen(ctx context.Context, o Options) (*Server, error) {
	if o.Hold == 0 {
		o.Hold = 4 * time.Minute
	}
	if o.Gather == 0 {
		o.Gather = 10 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var network net.ListenConfig
	packets, err := network.ListenPacket(ctx, "udp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen for DNS queries over UDP: %w", err)
	}
	streams, err := network.Listen(ctx, "tcp", packets.LocalAddr().String())
	if err != nil {
		_ = packets.Close()
		return nil, fmt.Errorf("listen for DNS queries over TCP: %w", err)
	}
	if c, ok := packets.(*net.UDPConn); ok {
		// A new worker asks for all its upstreams at once. The kernel may grant
		// less; nginx then asks again.
		_ = c.SetReadBuffer(readBuffer)
	}
	s := &Server{
		options: o,
		address: packets.LocalAddr().String(),
		records: map[string]*record{},
		sets:    map[string]set{},
		ledger:  newLedger(o.Hold),
		outbox:  newOutbox(),
		changed: map[string]struct{}{},
		stats:   Stats{Queries: map[string]uint64{}},
	}
	handler := dns.HandlerFunc(s.serveDNS)
	s.udp = &dns.Server{PacketConn: packets, Handler: handler}
	s.tcp = &dns.Server{Listener: streams, Handler: handler, MaxTCPQueries: -1,
		IdleTimeout: func() time.Duration { return time.Minute }}
	return s, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.address }

// Serve answers queries until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 2)
	for _, server := range []*dns.Server{s.udp, s.tcp} {
		go func() { failed <- server.ActivateAndServe() }()
	}
	defer func() {
		_ = s.udp.PacketConn.Close()
		_ = s.tcp.Listener.Close()
	}()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("serve DNS: %w", err)
		case now := <-ticker.C:
			s.flush()
			s.expire(now)
		}
	}
}

// Update replaces the endpoint table. New queries see it at once, held ones
// after the gathering time.
func (s *Server) Update(upstreams []bundle.Upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := make(map[string]*record, len(upstreams))
	s.stats.Endpoints = 0
	for _, u := range upstreams {
		r, ok := s.records[u.ID]
		if !ok || !slices.Equal(r.endpoints, u.Endpoints) {
			r = newRecord(slices.Clone(u.Endpoints))
		}
		records[u.ID] = r
		s.stats.Endpoints += len(u.Endpoints)
	}
	s.stats.Upstreams = len(records)
	s.records = records
	s.replaceSets(time.Now().Add(setLifetime))
	if !s.flushing {
		s.flushing = true
		time.AfterFunc(s.options.Gather, func() {
			s.mu.Lock()
			s.flushing = false
			s.mu.Unlock()
			s.flush()
		})
	}
}

// Change replaces the endpoints of single upstreams of the table. What it costs
// does not depend on how many others there are.
func (s *Server) Change(upstreams []bundle.Upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gathering, large := len(s.changed) > 0, false
	for _, u := range upstreams {
		before := s.record(u.ID)
		after := newRecord(slices.Clone(u.Endpoints))
		large = large || len(before.sets) > 0 || len(after.sets) > 0
		s.stats.Endpoints += len(after.endpoints) - len(before.endpoints)
		s.records[u.ID] = after
		s.changed[u.ID] = struct{}{}
	}
	if large {
		// Several upstreams may have a set in common.
		s.replaceSets(time.Now().Add(setLifetime))
	}
	if !gathering && len(s.changed) > 0 {
		time.AfterFunc(s.options.Gather, s.flushChanged)
	}
}

func (s *Server) replaceSets(until time.Time) {
	for name, old := range s.sets {
		if old.until.IsZero() {
			s.sets[name] = set{old.addresses, until}
		}
	}
	for _, r := range s.records {
		for name, addresses := range r.sets {
			s.sets[name] = set{addresses: addresses}
		}
	}
}

// Forget makes every source's next query count as its first, which is answered
// at once. Call it before nginx gets new workers, with the upstreams that these
// will ask for: the table may have others, for workers that drain.
func (s *Server) Forget(wanted []bundle.Upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.forget(func(yield func(string) bool) {
		for i := range wanted {
			if !yield(wanted[i].ID) {
				return
			}
		}
	})
}

// Unasked is the number of upstreams that nobody has asked for since Forget.
// When it is 0, nginx's new workers know all their peers.
func (s *Server) Unasked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ledger.unasked)
}

// Stats returns a copy.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Queries = map[string]uint64{}
	for kind, n := range s.stats.Queries {
		stats.Queries[kind] = n
	}
	stats.Held = len(s.ledger.held)
	return stats
}

// flush answers the held queries that have news or are due.
func (s *Server) flush() {
	s.mu.Lock()
	s.answer(s.ledger.release(s.digestOf, time.Now()))
}

// flushChanged does so for those upstreams that were changed singly.
func (s *Server) flushChanged() {
	s.mu.Lock()
	due := s.ledger.releaseOf(s.changed, s.digestOf, time.Now())
	clear(s.changed)
	s.answer(due)
}

func (s *Server) digestOf(upstream string) uint64 { return s.record(upstream).digest }

// answer answers queries. It gives back the lock that it is called with.
func (s *Server) answer(due map[key]heldQuery) {
	answers := make([]func(), 0, len(due))
	for k, h := range due {
		r := s.record(k.upstream)
		answers = append(answers, func() { h.answer(r) })
	}
	s.mu.Unlock()
	for _, answer := range answers {
		answer()
	}
}

func (s *Server) expire(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.expire(now)
	s.outbox.expire(now, remembered)
	for name, old := range s.sets {
		if !old.until.IsZero() && now.After(old.until) {
			delete(s.sets, name)
		}
	}
}

// record returns the upstream's record, or the sentinel's. Needs the lock.
func (s *Server) record(id string) *record {
	if r, ok := s.records[id]; ok {
		return r
	}
	return sentinel
}
