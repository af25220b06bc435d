package resolver

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// quiet is the silence after which a source is taken to read again. nginx
	// has one thread: while it sends a row of queries, it reads no answers.
	quiet = time.Millisecond
	// maxWait bounds the wait for silence.
	maxWait = 20 * time.Millisecond
	// What does not fit into a socket's buffer, 208 KiB on Linux, is lost, and
	// nginx asks again after five seconds only. So budget may lie unread at
	// once, and then comes perQuiet in each span of quiet, which leaves nginx
	// ten of them to get a processor.
	budget   = 48 << 10
	perQuiet = 16 << 10
)

// outbox sends answers at a pace at which nginx can read them.
type outbox struct {
	mu      sync.Mutex
	sources map[netip.AddrPort]*outgoing
}

// outgoing is the state of one source.
type outgoing struct {
	// asked is when the last query came, posted when the last answer left.
	asked, posted time.Time
	// unread is what was sent since the last silence, as the kernel counts it.
	unread  int
	waiting []packet
	// draining is set while a goroutine sends what waits.
	draining bool
}

// packet is an answer and its size in octets.
type packet struct {
	size int
	send func()
}

// cost is about what the kernel counts for a datagram in a socket's buffer.
func (p packet) cost() int { return 768 + 2*p.size }

func newOutbox() *outbox { return &outbox{sources: map[netip.AddrPort]*outgoing{}} }

// asked notes that a query came from the source.
func (o *outbox) asked(source netip.AddrPort, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.source(source)
	s.settle(now)
	s.asked = now
}

// settle takes all as read after a silence.
func (s *outgoing) settle(now time.Time) {
	if !s.draining && now.Sub(s.asked) > quiet && now.Sub(s.posted) > quiet {
		s.unread = 0
	}
}

func (o *outbox) source(source netip.AddrPort) *outgoing {
	s, ok := o.sources[source]
	if !ok {
		s = &outgoing{}
		o.sources[source] = s
	}
	return s
}

// post sends the packet now, or soon if the source has much to read yet.
func (o *outbox) post(source netip.AddrPort, p packet) {
	o.mu.Lock()
	s, now := o.source(source), time.Now()
	s.settle(now)
	if !s.draining && s.unread+p.cost() <= budget {
		s.unread, s.posted = s.unread+p.cost(), now
		o.mu.Unlock()
		p.send()
		return
	}
	s.waiting = append(s.waiting, p)
	if !s.draining {
		s.draining = true
		go o.drain(s)
	}
	o.mu.Unlock()
}

func (o *outbox) drain(s *outgoing) {
	for {
		o.awaitQuiet(s)
		batch := o.batch(s)
		if len(batch) == 0 {
			return
		}
		for _, p := range batch {
			p.send()
		}
	}
}

func (o *outbox) awaitQuiet(s *outgoing) {
	for waited := time.Duration(0); waited < maxWait; waited += quiet {
		time.Sleep(quiet)
		o.mu.Lock()
		silent := time.Since(s.asked) >= quiet
		o.mu.Unlock()
		if silent {
			return
		}
	}
}

// batch takes as many packets as perQuiet allows, and ends draining when
// there are none.
func (o *outbox) batch(s *outgoing) []packet {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, cost := 0, 0
	for n < len(s.waiting) && (n == 0 || cost+s.waiting[n].cost() <= perQuiet) {
		cost += s.waiting[n].cost()
		n++
	}
	batch := s.waiting[:n]
	s.waiting = s.waiting[n:]
	if n == 0 {
		// What was sent lies before the slice, and would live as long as the source.
		s.waiting = nil
	}
	s.unread, s.posted, s.draining = cost, time.Now(), n > 0
	return batch
}

// expire forgets sources that have been silent for longer than the given time.
func (o *outbox) expire(now time.Time, silence time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for source, s := range o.sources {
		if !s.draining && now.Sub(s.asked) > silence {
			delete(o.sources, source)
		}
	}
}
