package dataplane_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/operator/dataplane"
)

func TestEachDrainIsToldOnceAndNoneOfBefore(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	told := make(chan bundle.Drain, 10)
	says := func(s bundle.State) {
		agent.mu.Lock()
		defer agent.mu.Unlock()
		agent.state = s
	}
	old, first, second := bundle.Drain{Reload: 2, Websockets: 9}, bundle.Drain{Reload: 4, Websockets: 14}, bundle.Drain{Reload: 5, Cut: 1}
	says(bundle.State{Hash: "x", Reloads: 3, Drains: []bundle.Drain{old}})
	f := newFleet(t, dataplane.Options{
		Identity: identity(t, a), Port: agent.port(t), Recheck: time.Millisecond,
		Drained: func(_ types.NamespacedName, _ dataplane.Pod, d bundle.Drain) { told <- d },
	})
	follow(f, pod("a"))
	f.until(t, "the pod asked", func(r dataplane.Report) bool { return r.Known })

	says(bundle.State{Hash: "x", Reloads: 5, Drains: []bundle.Drain{old, first}})
	got := []bundle.Drain{<-told}
	says(bundle.State{Hash: "x", Reloads: 5, Drains: []bundle.Drain{old, first, second}})
	got = append(got, <-told)
	// The container is restarted, and counts from 1 again.
	again := bundle.Drain{Reload: 2, Websockets: 1}
	says(bundle.State{Hash: "x", Reloads: 2, Drains: []bundle.Drain{again}})
	got = append(got, <-told)
	if diff := cmp.Diff([]bundle.Drain{first, second, again}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
