package agent

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/google/renameio/v2"
)

// socketZone is the shared memory in which nginx counts open websockets
// (limit_conn). It outlives reloads, so that websockets of old workers count,
// too. A worker that is killed takes nothing back, and what it had open would
// count for ever: after that, a reload begins with new memory.
//
// Guarded by nginx.mu.
type socketZone struct {
	// since is the first generation of workers that counts there.
	since int
	// second says that it is the second of the two memories, see
	// socketZoneConfig.
	second bool
	// wrong says that some that are counted are no longer open.
	wrong bool
}

// socketZoneConfig defines the memory. nginx keeps it over a reload if its name
// and its size stay the same.
func socketZoneConfig(second bool) []byte {
	size := "512k"
	if second {
		size = "1m"
	}
	return fmt.Appendf(nil, "limit_conn_zone $gw_websocket zone=gw_websockets:%s;\n", size)
}

// workerDied matches nginx's word of a worker that was killed or crashed.
var workerDied = regexp.MustCompile(`\[alert\] .*worker process \d+ exited on signal`)

// hear takes a line of nginx's error log.
func (z *socketZone) hear(line []byte) {
	z.wrong = z.wrong || bytes.Contains(line, []byte("[alert]")) && workerDied.Match(line)
}

// nextSocketZone says which memory the next generation of workers counts in. It
// looks ahead to the workers that are ended because of that generation.
func (n *nginx) nextSocketZone() socketZone {
	workers := n.observe()
	open := n.websockets(drainingOf(workers))
	n.mu.Lock()
	defer n.mu.Unlock()
	next := n.zone
	live := map[int]bool{}
	for _, w := range workers {
		live[w.pid] = !w.draining
	}
	// The live ones may have websockets: before they drain there is no telling.
	busy := func(w worker) bool { return live[w.pid] || open.any(w) }
	doomed := slices.DeleteFunc(n.workers.surplus(draining(workers), n.options.MaxDrainingGenerations, busy),
		func(w worker) bool { return !busy(w) })
	if next.wrong || slices.ContainsFunc(doomed, n.countsInLive) {
		next = socketZone{since: n.workers.current + 1, second: !next.second}
	}
	return next
}

// draining returns the workers as they are after a reload.
func draining(workers []worker) []worker {
	all := slices.Clone(workers)
	for i := range all {
		all[i].draining = true
	}
	return all
}

// countsInLive says whether the worker's websockets are counted in the memory
// that new workers use.
func (n *nginx) countsInLive(w worker) bool { return n.workers.of[w.pid] >= n.zone.since }

// useSocketZone notes which memory nginx has been reloaded with.
func (n *nginx) useSocketZone(z socketZone) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if z.second != n.zone.second {
		n.zone = z
	}
}

// writeSocketZone writes the file for the next reload into a generation that is
// not live.
func writeSocketZone(dir string, z socketZone) error {
	if err := renameio.WriteFile(filepath.Join(dir, socketZoneFile), socketZoneConfig(z.second), 0o600); err != nil {
		return fmt.Errorf("write what nginx counts websockets in: %w", err)
	}
	return nil
}
