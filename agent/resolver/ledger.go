package resolver

import (
	"net/netip"
	"time"
)

// key is one source's interest in one upstream. Every nginx worker has a
// socket, and so a source port, of its own.
type key struct {
	source   netip.AddrPort
	upstream string
}

// told is what a source knows.
type told struct {
	digest uint64
	ident  uint16
	at     time.Time
}

// heldQuery is a query that waits for news.
type heldQuery struct {
	question
	deadline time.Time
	// seen is when it last came.
	seen time.Time
}

const (
	// gone is the silence after which nobody waits for the answer any more: nginx
	// repeats an unanswered query every five seconds.
	gone = 20 * time.Second
	// remembered is how long it is known what a source was told that has stopped
	// asking.
	remembered = 80 * time.Second
)

type verdict int

const (
	answerNow verdict = iota
	hold
	drop
)

// ledger decides when a query is answered. It is not safe for concurrent use,
// and it has no clock.
type ledger struct {
	hold time.Duration
	told map[key]told
	held map[key]heldQuery
	// waiting are the sources of the held queries, by upstream.
	waiting map[string]map[netip.AddrPort]struct{}
	// unasked are the upstreams that no source has newly asked for since the
	// last forget.
	unasked map[string]struct{}
}

func newLedger(holdFor time.Duration) *ledger {
	return &ledger{hold: holdFor, told: map[key]told{}, held: map[key]heldQuery{},
		waiting: map[string]map[netip.AddrPort]struct{}{}, unasked: map[string]struct{}{}}
}

// question is a query for an upstream.
type question struct {
	key key
	// ident is its DNS ID.
	ident uint16
	// digest is that of the answer that it would get now.
	digest uint64
	// answer sends an answer. If the query is held, whoever calls release
	// calls it.
	answer func(*record)
}

// ask decides on a query.
func (l *ledger) ask(q question, now time.Time) verdict {
	k := q.key
	if h, ok := l.held[k]; ok && h.ident == q.ident {
		h.seen = now
		l.held[k] = h
		return drop
	}
	delete(l.unasked, k.upstream)
	known, ok := l.told[k]
	// The same ID again, though answered: the answer was lost.
	if !ok || known.digest != q.digest || known.ident == q.ident {
		l.letGo(k)
		l.told[k] = told{q.digest, q.ident, now}
		return answerNow
	}
	l.keep(k, heldQuery{q, now.Add(l.hold), now})
	return hold
}

func (l *ledger) keep(k key, h heldQuery) {
	l.held[k] = h
	if l.waiting[k.upstream] == nil {
		l.waiting[k.upstream] = map[netip.AddrPort]struct{}{}
	}
	l.waiting[k.upstream][k.source] = struct{}{}
}

func (l *ledger) letGo(k key) {
	delete(l.held, k)
	delete(l.waiting[k.upstream], k.source)
	if len(l.waiting[k.upstream]) == 0 {
		delete(l.waiting, k.upstream)
	}
}

// release takes out the held queries that have news or have waited long enough,
// and drops those that nobody waits for.
func (l *ledger) release(current func(upstream string) uint64, now time.Time) map[key]heldQuery {
	due := map[key]heldQuery{}
	for k, h := range l.held {
		if !l.releaseOne(due, k, current(k.upstream), now) && now.Sub(h.seen) > gone {
			l.letGo(k)
		}
	}
	return due
}

// releaseOf does so for the upstreams alone, with no look at the others.
func (l *ledger) releaseOf(upstreams map[string]struct{}, current func(upstream string) uint64, now time.Time) map[key]heldQuery {
	due := map[key]heldQuery{}
	for id := range upstreams {
		for source := range l.waiting[id] {
			k := key{source, id}
			l.releaseOne(due, k, current(id), now)
		}
	}
	return due
}

// releaseOne takes the query out if it is due.
func (l *ledger) releaseOne(due map[key]heldQuery, k key, digest uint64, now time.Time) bool {
	h := l.held[k]
	if digest == h.digest && now.Before(h.deadline) {
		return false
	}
	due[k] = h
	l.letGo(k)
	l.told[k] = told{digest, h.ident, now}
	return true
}

// forget makes the next new query of every source count as its first. A new
// worker may get the source port of an old one, and must not wait.
func (l *ledger) forget(upstreams func(yield func(string) bool)) {
	clear(l.told)
	clear(l.unasked)
	for id := range upstreams {
		l.unasked[id] = struct{}{}
	}
}

// expire drops what is known of sources that have stopped asking.
func (l *ledger) expire(now time.Time) {
	for k, t := range l.told {
		if _, waiting := l.held[k]; !waiting && now.Sub(t.at) > remembered {
			delete(l.told, k)
		}
	}
}
