package resolver

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"
)

var worker = netip.MustParseAddrPort("127.0.0.1:40000")

func TestQueryIsAnsweredAtOnceHeldOrDropped(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	k := key{worker, "web"}
	const known, changed = 1, 2
	type query struct {
		key    key
		ident  uint16
		digest uint64
		want   verdict
	}
	for name, queries := range map[string][]query{
		"the first query of a source is answered at once": {{k, 1, known, answerNow}},
		"the first query of another source too": {
			{k, 1, known, answerNow}, {key{netip.MustParseAddrPort("127.0.0.1:40001"), "web"}, 2, known, answerNow}},
		"the first query for another upstream too": {
			{k, 1, known, answerNow}, {key{worker, "api"}, 2, known, answerNow}},
		"a repeated query without news is held":         {{k, 1, known, answerNow}, {k, 2, known, hold}},
		"a repeated query with news is answered":        {{k, 1, known, answerNow}, {k, 2, changed, answerNow}},
		"the retransmission of a held query is dropped": {{k, 1, known, answerNow}, {k, 2, known, hold}, {k, 2, known, drop}},
		"a retransmission after a lost answer is answered": {
			{k, 1, known, answerNow}, {k, 1, known, answerNow}},
		"a new query takes the place of a held one that nginx gave up": {
			{k, 1, known, answerNow}, {k, 2, known, hold}, {k, 3, known, hold}, {k, 3, known, drop}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(20 * time.Second)
			for i, q := range queries {
				if got := l.ask(question{q.key, q.ident, q.digest, nil}, start); got != q.want {
					t.Errorf("query %d: verdict %d, want %d", i, got, q.want)
				}
			}
		})
	}
}

func TestHeldQueryIsReleasedByNewsOrByTime(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	l := newLedger(20 * time.Second)
	for _, id := range []string{"web", "api"} {
		l.ask(question{key{worker, id}, 1, 1, nil}, start)
		l.ask(question{key{worker, id}, 2, 1, nil}, start)
	}
	released := func(now time.Time, changed string) []string {
		var ids []string
		for k := range l.release(func(id string) uint64 { return map[bool]uint64{true: 2, false: 1}[id == changed] }, now) {
			ids = append(ids, k.upstream)
		}
		return ids
	}
	if got := released(start.Add(time.Second), ""); got != nil {
		t.Errorf("released without news: %v", got)
	}
	if got := released(start.Add(time.Second), "api"); !slices.Equal(got, []string{"api"}) {
		t.Errorf("released by news for api: %v", got)
	}
	if got := released(start.Add(20*time.Second), "api"); !slices.Equal(got, []string{"web"}) {
		t.Errorf("released by time: %v", got)
	}
	if got := l.ask(question{key{worker, "api"}, 2, 2, nil}, start); got != answerNow {
		t.Errorf("retransmission after the release was lost: verdict %d", got)
	}
}

func TestHeldQueryThatIsNotRepeatedIsDropped(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	l := newLedger(4 * time.Minute)
	waits, ended := key{worker, "web"}, key{netip.MustParseAddrPort("127.0.0.1:40001"), "web"}
	for _, k := range []key{waits, ended} {
		l.ask(question{k, 1, 1, nil}, start)
		l.ask(question{k, 2, 1, nil}, start)
	}
	current := func(string) uint64 { return 1 }
	for after := 5 * time.Second; after <= time.Minute; after += 5 * time.Second {
		if got := l.ask(question{waits, 2, 1, nil}, start.Add(after)); got != drop {
			t.Fatalf("a repeated query after %s: verdict %d", after, got)
		}
		if due := l.release(current, start.Add(after)); len(due) > 0 {
			t.Fatalf("released after %s, without news: %v", after, due)
		}
	}
	if _, held := l.held[waits]; !held || len(l.held) != 1 || len(l.waiting["web"]) != 1 {
		t.Errorf("%d queries of %d sources are held, want that of the worker that lives", len(l.held), len(l.waiting["web"]))
	}
	// One that was only stopped for long is held again, or hears the news.
	if got := l.ask(question{ended, 2, 1, nil}, start.Add(time.Minute)); got != hold {
		t.Errorf("the query of a worker that was stopped: verdict %d", got)
	}
}

func TestAfterForgetEverySourceIsAnsweredOnceAndHeldQueriesStay(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	l := newLedger(20 * time.Second)
	k := key{worker, "web"}
	l.ask(question{k, 1, 1, nil}, start)
	l.ask(question{k, 2, 1, nil}, start)
	l.forget(slices.Values([]string{"web", "api"}))
	if len(l.held) != 1 || len(l.unasked) != 2 {
		t.Errorf("%d held and %d unasked, want 1 and 2", len(l.held), len(l.unasked))
	}
	if got := l.ask(question{k, 2, 1, nil}, start); got != drop || len(l.unasked) != 2 {
		t.Errorf("the old worker's retransmission: verdict %d, %d unasked", got, len(l.unasked))
	}
	if got := l.ask(question{k, 3, 1, nil}, start); got != answerNow || len(l.unasked) != 1 {
		t.Errorf("the new worker's first query: verdict %d, %d unasked", got, len(l.unasked))
	}
}

// A model of many sources: whatever happens, a source that has an unanswered
// query never waits longer than the hold, is never left with old data once
// held queries were released, and is never told the same twice at once.
func TestNoSourceIsEverLeftBehind(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		const holdFor = 20 * time.Second
		l := newLedger(holdFor)
		now := time.Unix(0, 0)
		digests := map[string]uint64{}
		current := func(id string) uint64 { return digests[id] }
		told := map[key]uint64{}
		waiting := map[key]time.Time{}
		idents := map[key]uint16{}
		for range 400 {
			k := key{netip.AddrPortFrom(worker.Addr(), uint16(40000+random.IntN(4))), strconv.Itoa(random.IntN(4))}
			switch random.IntN(4) {
			case 0:
				digests[k.upstream] = random.Uint64N(3)
			case 1:
				now = now.Add(time.Duration(random.IntN(8000)) * time.Millisecond)
			case 2:
				for k, h := range l.release(current, now) {
					if h.digest == digests[k.upstream] && now.Before(waiting[k].Add(holdFor)) {
						t.Fatalf("seed %d: %v was released too early, without news", seed, k)
					}
					told[k] = digests[k.upstream]
					delete(waiting, k)
				}
				for k, since := range waiting {
					if told[k] != digests[k.upstream] || now.Sub(since) >= holdFor {
						t.Fatalf("seed %d: %v was left behind", seed, k)
					}
				}
			default:
				_, retransmit := waiting[k]
				if !retransmit {
					idents[k]++
				}
				before, known := told[k]
				switch got := l.ask(question{k, idents[k], digests[k.upstream], nil}, now); {
				case retransmit != (got == drop):
					t.Fatalf("seed %d: verdict %d for a retransmission: %v", seed, got, retransmit)
				case got == answerNow:
					if known && before == digests[k.upstream] {
						t.Fatalf("seed %d: %v was told the same again", seed, k)
					}
					told[k] = digests[k.upstream]
				case got == hold:
					waiting[k] = now
				}
			}
		}
	}
}
