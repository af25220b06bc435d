package agent

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// longRequest is how long after a reload what old workers still have open counts
// as long-lived: most of what was under way at that moment has been answered.
const longRequest = 3 * time.Second

// drains tells what reloads meant for open websockets.
type drains struct {
	// cut counts websockets that were ended before their time.
	cut prometheus.Counter

	mu sync.Mutex
	// cutNow have been cut since the last reload was noted.
	cutNow int
	// begun are reloads of which it is too early to tell.
	begun []begunDrain
	// told are the newest ones that concerned websockets, oldest first.
	told []bundle.Drain
}

// begunDrain is a reload and the workers that it replaced.
type begunDrain struct {
	bundle.Drain
	at      time.Time
	workers []worker
}

func newDrains() *drains {
	return &drains{cut: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "gatewright_nginx_websockets_cut_total",
		Help: "Websockets and other long connections that were cut before their drain time was over, because too many generations of workers were draining.",
	})}
}

// list returns the newest reloads that concerned websockets, oldest first.
func (d *drains) list() []bundle.Drain {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.told)
}

// note takes websockets that are cut, because of the reload that is going on.
func (d *drains) note(cut int) {
	d.cut.Add(float64(cut))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutNow += cut
}

// begin takes a reload whose surplus has been ended.
func (d *drains) begin(b begunDrain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b.Cut, d.cutNow = d.cutNow, 0
	d.begun = append(d.begun, b)
}

// due removes and returns the reloads of which it can be told by now.
func (d *drains) due(now time.Time) []begunDrain {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.begun, func(b begunDrain) bool { return now.Sub(b.at) < longRequest })
	if i < 0 {
		i = len(d.begun)
	}
	due := slices.Clone(d.begun[:i])
	d.begun = slices.Delete(d.begun, 0, i)
	return due
}

// tell keeps what a reload meant, if it meant something.
func (d *drains) tell(drain bundle.Drain) {
	if drain.Websockets == 0 && drain.Cut == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, drain)
	d.told = slices.Delete(d.told, 0, max(0, len(d.told)-bundle.MaxDrains))
}

// replaced notes a reload by which the live workers began to drain, with the
// drain time of their own configuration, and ends those that are too many.
func (n *nginx) replaced(reload int64, drain time.Duration) {
	n.mu.Lock()
	old := n.old
	n.mu.Unlock()
	n.boundDraining()
	n.drains.begin(begunDrain{
		Drain:   bundle.Drain{Reload: reload, Seconds: int64(drain.Seconds())},
		workers: old, at: time.Now(),
	})
}

// countDrains tells of reloads that lie far enough back.
func (n *nginx) countDrains(now time.Time) {
	for _, d := range n.drains.due(now) {
		d.Websockets = n.websockets(n.left(d.workers)).sum()
		n.drains.tell(d.Drain)
	}
}
