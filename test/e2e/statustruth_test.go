package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

// statusSeed has the changes of an earlier run made again.
var statusSeed = flag.Uint64("status-seed", 0, "the random changes of TestStatusesStayTrueThroughRandomChanges; 0 for new ones")

// randomChanges is how many there are.
const randomChanges = 200

// TestStatusesStayTrueThroughRandomChanges changes a small world at random, by
// one to four changes at a time. After each time the statuses must come to say
// what follows from the specs; and in no version on the way there may be a word
// too many.
func TestStatusesStayTrueThroughRandomChanges(t *testing.T) {
	explainFailure(t)
	seed := *statusSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test -run %s -args -status-seed=%d", t.Name(), seed)
	w := newWorld(t, seed)
	r := startRecord(t)
	w.settle(t, r)
	r.judge(randomChanges)
	asked := listen(t)

	writes, kinds, steps := 0, map[string]int{}, 0
	for done := 0; done < randomChanges; steps++ {
		var did []string
		for range min(randomChanges-done, max(1, w.IntN(8)-3)) {
			what, err := w.change(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			did = append(did, what)
			kinds[strings.Fields(what)[0]]++
		}
		done += len(did)
		if !t.Run(fmt.Sprintf("%03d %s", done, strings.Join(did, ", ")), func(t *testing.T) { w.settle(t, r) }) {
			t.FailNow()
		}
		complaints, n := r.judge(len(did))
		for _, c := range complaints {
			t.Errorf("after %s: %s", strings.Join(did, ", "), c)
		}
		writes += n
	}
	t.Logf("%d changes in %d steps: %v", randomChanges, steps, kinds)
	t.Logf("%d statuses of Gateways, ListenerSets and HTTPRoutes", writes)
	asked.reportStatuses(t, writes)
}

// settle waits until all statuses are true, and the record has them.
func (w *world) settle(t *testing.T, r *record) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		v, err := w.look(ctx)
		if err != nil {
			return err
		}
		return errors.Join(v.check(), w.checkOthers(ctx, v), r.heard(v))
	})
}
