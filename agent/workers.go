package agent

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// systemProcess is what /proc tells of a process.
type systemProcess struct {
	pid, parent, group int
	state              byte
	// started is in clock ticks since the boot.
	started uint64
}

// processes lists those that are visible, in order of their IDs.
func processes() []systemProcess {
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var list []systemProcess
	for _, path := range entries {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // It has gone.
		}
		if p, ok := parseStat(string(data)); ok {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b systemProcess) int { return cmp.Compare(a.pid, b.pid) })
	return list
}

// parseStat reads proc_pid_stat(5). The name, in parentheses, may have spaces
// and parentheses itself.
func parseStat(stat string) (systemProcess, bool) {
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return systemProcess{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(stat[:open]))
	fields := strings.Fields(stat[end+1:])
	if err != nil || len(fields) < 20 {
		return systemProcess{}, false
	}
	parent, err1 := strconv.Atoi(fields[1])
	group, err2 := strconv.Atoi(fields[2])
	started, err3 := strconv.ParseUint(fields[19], 10, 64)
	ok := err1 == nil && err2 == nil && err3 == nil
	return systemProcess{pid: pid, parent: parent, group: group, state: fields[0][0], started: started}, ok
}

// worker is a worker process of nginx.
type worker struct {
	pid      int
	started  uint64
	draining bool
}

// look returns the worker of nginx that a process is.
func look(pid int) (worker, bool) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return worker{}, false
	}
	p, ok := parseStat(string(stat))
	if !ok {
		return worker{}, false
	}
	return p.worker()
}

// worker returns the worker of nginx that the process is.
func (p systemProcess) worker() (worker, bool) {
	if p.state == 'Z' {
		return worker{}, false
	}
	title, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
	if err != nil || !strings.Contains(string(title), "nginx: worker process") {
		return worker{}, false
	}
	return worker{p.pid, p.started, strings.Contains(string(title), "shutting down")}, true
}

// workersOf lists the worker processes in nginx's process group, oldest first.
func workersOf(group int) []worker {
	var list []worker
	for _, p := range processes() {
		if p.group != group {
			continue
		}
		if w, ok := p.worker(); ok {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b worker) int {
		return cmp.Or(cmp.Compare(a.started, b.started), cmp.Compare(a.pid, b.pid))
	})
	return list
}

// idleGenerations is how many generations may drain beyond the limit on those
// that are busy.
const idleGenerations = 4

// generations remembers which workers came with which reload.
type generations struct {
	current int
	of      map[int]int
}

func newGenerations() *generations { return &generations{of: map[int]int{}} }

// next begins a generation: workers that are first seen from now on are of it.
func (g *generations) next() { g.current++ }

// observe notes new workers and forgets those that have gone.
func (g *generations) observe(workers []worker) {
	seen := map[int]int{}
	for _, w := range workers {
		generation, ok := g.of[w.pid]
		if !ok {
			generation = g.current
		}
		seen[w.pid] = generation
	}
	g.of = seen
}

// surplus returns the draining workers of the generations that are to be ended.
// Of those in which a worker is busy with something long, the newest limit may
// stay. The others end by themselves in seconds (keepalive_min_timeout), so they
// are ended only when there are more than idleGenerations beyond the limit: else
// a burst of reloads would cost websockets of before it.
func (g *generations) surplus(workers []worker, limit int, busy func(worker) bool) []worker {
	var long, short []int
	for _, generation := range g.drainingOf(workers) {
		if slices.ContainsFunc(workers, func(w worker) bool { return g.of[w.pid] == generation && w.draining && busy(w) }) {
			long = append(long, generation)
		} else {
			short = append(short, generation)
		}
	}
	doomed := slices.Clone(long[:max(0, len(long)-limit)])
	kept := len(long) - len(doomed) + len(short)
	doomed = append(doomed, short[:min(len(short), max(0, kept-limit-idleGenerations))]...)
	return slices.DeleteFunc(slices.Clone(workers), func(w worker) bool {
		return !w.draining || !slices.Contains(doomed, g.of[w.pid])
	})
}

// drainingOf lists the generations with draining workers, oldest first.
func (g *generations) drainingOf(workers []worker) []int {
	var draining []int
	for _, w := range workers {
		if w.draining {
			draining = append(draining, g.of[w.pid])
		}
	}
	slices.Sort(draining)
	return slices.Compact(draining)
}
