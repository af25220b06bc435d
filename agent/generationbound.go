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
	n.mu.Lock()
	surplus := n.workers.surplus(workers, n.options.MaxDrainingGenerations)
	n.zone.wrong = n.zone.wrong || slices.ContainsFunc(surplus, n.countsInLive)
	n.mu.Unlock()
	if len(surplus) == 0 {
		return
	}
	cut := n.websockets(surplus)
	pids := make([]int, len(surplus))
	for i, w := range surplus {
		pids[i] = w.pid
	}
	n.log.Warn("end the oldest draining workers: too many generations",
		"pids", pids, "limit", n.options.MaxDrainingGenerations, "websockets", cut)
	n.drains.note(cut)
	n.end(surplus)
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

// drainingWorkers are those that only finish what they have.
func (n *nginx) drainingWorkers() []worker {
	return slices.DeleteFunc(n.observe(), func(w worker) bool { return !w.draining })
}
