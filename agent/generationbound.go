package agent

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// endTime is how long a worker may take to end once told to drop its
// connections.
const endTime = time.Second

// boundDraining ends the oldest generations of draining workers when there are
// more than the limit. When it returns, those workers have gone.
func (n *nginx) boundDraining() {
	n.bounding.Lock()
	defer n.bounding.Unlock()
	workers := n.observe()
	if !n.mayBeTooMany(workers) {
		return
	}
	open := n.websockets(drainingOf(workers))
	n.mu.Lock()
	surplus := n.workers.surplus(workers, n.options.MaxDrainingGenerations, open.any)
	n.zone.wrong = n.zone.wrong || slices.ContainsFunc(surplus, func(w worker) bool { return open.any(w) && n.countsInLive(w) })
	n.mu.Unlock()
	if len(surplus) == 0 {
		return
	}
	pids, cut := make([]int, len(surplus)), 0
	for i, w := range surplus {
		pids[i] = w.pid
		cut += open[w.pid]
	}
	n.log.Warn("end the oldest draining workers: too many generations",
		"pids", pids, "limit", n.options.MaxDrainingGenerations, "websockets", cut)
	n.drains.note(cut)
	n.end(surplus)
}

// mayBeTooMany spares the look at all connections, most of the time.
func (n *nginx) mayBeTooMany(workers []worker) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.workers.drainingOf(workers)) > n.options.MaxDrainingGenerations
}

// end has workers drop their connections and exit, and waits until they have.
func (n *nginx) end(workers []worker) {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		for _, w := range workers {
			// One that has just gone is no failure.
			_ = unix.Kill(w.pid, s)
		}
		for deadline := time.Now().Add(endTime); time.Now().Before(deadline); time.Sleep(pollInterval) {
			if workers = n.left(workers); len(workers) == 0 {
				return
			}
		}
		n.log.Warn("workers have not ended", "signal", unix.SignalName(s), "workers", len(workers))
	}
}

// left returns those of the workers that are still there.
func (n *nginx) left(workers []worker) []worker {
	present := n.observe()
	return slices.DeleteFunc(slices.Clone(workers), func(w worker) bool {
		return !slices.ContainsFunc(present, func(p worker) bool { return p.pid == w.pid && p.started == w.started })
	})
}

// drainingOf returns the workers that only finish what they have.
func drainingOf(workers []worker) []worker {
	return slices.DeleteFunc(slices.Clone(workers), func(w worker) bool { return !w.draining })
}
