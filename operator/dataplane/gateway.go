package dataplane

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// Report is what the pods of one Gateway last said, put together.
type Report struct {
	Gateway types.NamespacedName
	// Known says that every pod that gets traffic has been asked. Before that
	// the rest says too little to act upon.
	Known bool
	// Ready is how many pods get traffic and serve a bundle.
	Ready int
	// Generation is the Gateway's oldest generation that those serve.
	Generation int64
	// ListenerSets are the oldest generations of ListenerSets that those serve,
	// by namespace/name@UID; absent are those that one of them does not serve.
	ListenerSets map[string]int64
	// Wanted is what the pods are to serve.
	Wanted *Offer
	// Applied says that at least one pod serves what is wanted, be it with the
	// endpoints of a moment before.
	Applied bool
	// Refused is what a pod said of what is wanted, if it refused it, be it with
	// other endpoints.
	Refused *bundle.Refusal
}

// gateway is the pods of one Gateway, and what is wanted of them.
type gateway struct {
	key    types.NamespacedName
	notify func(types.NamespacedName)

	mu      sync.Mutex
	name    string
	offer   *Offer
	held    bool
	workers map[types.UID]*worker
	// news is closed, and replaced, when an answer differs from the one before.
	news chan struct{}
}

func newGateway(key types.NamespacedName, notify func(types.NamespacedName)) *gateway {
	return &gateway{key: key, notify: notify, workers: map[types.UID]*worker{}, news: make(chan struct{})}
}

func (g *gateway) rename(serverName string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.name = serverName
}

// want replaces the offer, unless a trial goes on, and tells the pods.
func (g *gateway) want(o *Offer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.held {
		g.replace(o)
	}
}

// replace needs the lock. An offer with equal content stays as it is: it has
// been encoded already.
func (g *gateway) replace(o *Offer) {
	if g.offer != nil && g.offer.Hash == o.Hash {
		return
	}
	g.offer = o
	for _, w := range g.workers {
		w.poke()
	}
}

func (g *gateway) wanted() *Offer {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.offer
}

func (g *gateway) serverName() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.name
}

// worker returns that of the pod; one at another address has ended by then.
func (g *gateway) worker(p Pod) (*worker, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w, ok := g.workers[p.UID]
	if !ok {
		return nil, false
	}
	if known, _, _ := w.last(); known.IP != p.IP {
		w.stop()
		delete(g.workers, p.UID)
		return nil, false
	}
	return w, true
}

func (g *gateway) add(w *worker) {
	p, _, _ := w.last()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.workers[p.UID] = w
}

// keep ends the workers of all pods but these.
func (g *gateway) keep(pods map[types.UID]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for uid, w := range g.workers {
		if !pods[uid] {
			w.stop()
			delete(g.workers, uid)
		}
	}
}

// changed tells everyone that a pod has said something new.
func (g *gateway) changed() {
	g.tell()
	g.notify(g.key)
}

// tell tells those who wait for news of a pod.
func (g *gateway) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.news)
	g.news = make(chan struct{})
}

// all returns the workers, by pod name, and what is closed at the next news.
func (g *gateway) all() (workers []*worker, offer *Offer, news <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.workers {
		workers = append(workers, w)
	}
	slices.SortFunc(workers, func(a, b *worker) int {
		x, _, _ := a.last()
		y, _, _ := b.last()
		return cmp.Or(strings.Compare(x.Name.Name, y.Name.Name), strings.Compare(string(x.UID), string(y.UID)))
	})
	return workers, g.offer, g.news
}

// oldest returns the generations of the report so far, or those of the state
// where they are older.
func oldest(r Report, s bundle.State) map[string]int64 {
	if r.Ready == 0 {
		return s.ListenerSets
	}
	both := map[string]int64{}
	for set, generation := range s.ListenerSets {
		if so, ok := r.ListenerSets[set]; ok {
			both[set] = min(so, generation)
		}
	}
	return both
}

func (g *gateway) report() Report {
	workers, offer, _ := g.all()
	r := Report{Gateway: g.key, Known: true, Wanted: offer}
	for _, w := range workers {
		pod, asked, state := w.last()
		if pod.Ready && !asked {
			r.Known = false
		}
		if pod.Ready && state.Hash != "" {
			if r.Ready == 0 || state.Generation < r.Generation {
				r.Generation = state.Generation
			}
			r.ListenerSets = oldest(r, state)
			r.Ready++
		}
		if offer == nil {
			continue
		}
		r.Applied = r.Applied || offer.Resembles(state.Hash)
		if refusal := state.Refused; r.Refused == nil && refusal != nil && offer.Resembles(refusal.Hash) {
			r.Refused = refusal
		}
	}
	return r
}
