package agent

import (
	"slices"
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
	everyone := func(worker) bool { return true }
	noOne := func(worker) bool { return false }
	only := func(pids ...int) func(worker) bool {
		return func(w worker) bool { return slices.Contains(pids, w.pid) }
	}
	for name, tc := range map[string]struct {
		generations, limit int
		busy               func(worker) bool
		want               []int
	}{
		"none may drain with something long": {4, 0, everyone, []int{1, 2, 4, 5, 6}},
		"one may":                            {4, 1, everyone, []int{1, 2, 4}},
		"two may":                            {4, 2, everyone, []int{1, 2}},
		"no more than may":                   {4, 3, everyone, nil},
		"with nothing long, some more may":   {7, 2, noOne, nil},
		"but not any number":                 {9, 2, noOne, []int{1, 2, 4}},
		"those with nothing long go before an old websocket": {9, 2, only(2), []int{4, 5, 6}},
		"a websocket that is one too many goes first":        {9, 2, only(2, 5, 16), []int{1, 2, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGenerations()
			var workers []worker
			for pid := 1; pid <= 2*tc.generations; pid += 2 {
				g.next()
				workers = append(workers, worker{pid: pid}, worker{pid: pid + 1})
				g.observe(workers)
				for i := range workers[:len(workers)-2] {
					workers[i].draining = true
				}
			}
			// One of the second generation has nothing left to finish.
			workers = append(workers[:2:2], workers[3:]...)
			var got []int
			for _, w := range g.surplus(workers, tc.limit, tc.busy) {
				got = append(got, w.pid)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
