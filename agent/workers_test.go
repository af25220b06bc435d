package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStatOfAProcessIsReadWhateverItsName(t *testing.T) {
	t.Parallel()
	const rest = " S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 100 200\n"
	for _, name := range []string{"nginx", "ng inx", "a) S 9 9 (b"} {
		got, ok := parseStat("42 (" + name + ")" + rest)
		want := systemProcess{pid: 42, parent: 1, group: 7, state: 'S', started: 4711}
		if !ok || got != want {
			t.Errorf("%q: %+v, %v, want %+v", name, got, ok, want)
		}
	}
	for _, stat := range []string{"", "42 nginx S 1", "42 (nginx) S 1", "x (nginx)" + rest} {
		if got, ok := parseStat(stat); ok {
			t.Errorf("%q is read as %+v", stat, got)
		}
	}
}

func TestSurplusIsTheOldestDrainingGenerations(t *testing.T) {
	t.Parallel()
	g := newGenerations()
	var workers []worker
	for pid := 1; pid <= 8; pid += 2 {
		g.next()
		workers = append(workers, worker{pid: pid}, worker{pid: pid + 1})
		g.observe(workers)
		for i := range workers[:len(workers)-2] {
			workers[i].draining = true
		}
	}
	// One of the second generation has nothing left to finish.
	workers = append(workers[:2:2], workers[3:]...)
	for limit, want := range map[int][]int{0: {1, 2, 4, 5, 6}, 1: {1, 2, 4}, 2: {1, 2}, 3: nil} {
		var got []int
		for _, w := range g.surplus(workers, limit) {
			got = append(got, w.pid)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: -want +got\n%s", limit, diff)
		}
	}
}
