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
}

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
	// unasked are the upstreams that no source has newly asked for since the
	// last forget.
	unasked map[string]struct{}
}

func newLedger(holdFor time.Duration) *ledger {
	return &ledger{hold: holdFor, told: map[key]told{}, held: map[key]heldQuery{}, unasked: map[string]struct{}{}}
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
		// nginx repeats an unanswered query every five seconds.
		return drop
	}
	delete(l.unasked, k.upstream)
	known, ok := l.told[k]
	// The same ID again, though answered: the answer was lost.
	if !ok || known.digest != q.digest || known.ident == q.ident {
		delete(l.held, k)
		l.told[k] = told{q.digest, q.ident, now}
		return answerNow
	}
	l.held[k] = heldQuery{q, now.Add(l.hold)}
	return hold
}

// release takes out the held queries that have news or have waited long enough.
func (l *ledger) release(current func(upstream string) uint64, now time.Time) map[key]heldQuery {
	due := map[key]heldQuery{}
	for k, h := range l.held {
		digest := current(k.upstream)
		if digest == h.digest && now.Before(h.deadline) {
			continue
		}
		due[k] = h
		delete(l.held, k)
		l.told[k] = told{digest, h.ident, now}
	}
	return due
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
		if _, waiting := l.held[k]; !waiting && now.Sub(t.at) > 4*l.hold {
			delete(l.told, k)
		}
	}
}
