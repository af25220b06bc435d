package dataplane_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/operator/dataplane"
)

func TestAPodGetsWhatIsWantedAndSaysSo(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t)})

	follow(f, pod("a"))
	f.Want(home, offer(7, "one"))
	r := f.until(t, "the bundle applied", func(r dataplane.Report) bool { return r.Applied })

	if !r.Known || r.Ready != 1 || r.Generation != 7 || r.Refused != nil {
		t.Errorf("report %+v, want one ready pod at generation 7", r)
	}
	if diff := cmp.Diff([]string{offer(7, "one").Hash}, agent.pushes()); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}

func TestAPodThatServesWhatIsWantedGetsNothing(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	wanted := offer(1, "one")
	agent.state = bundle.State{Hash: wanted.Hash, Generation: 1}
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t)})

	follow(f, pod("a"))
	f.Want(home, wanted)
	f.until(t, "the bundle found applied", func(r dataplane.Report) bool { return r.Applied })

	if pushes := agent.pushes(); len(pushes) > 0 {
		t.Errorf("pushed %v to a pod that has it already", pushes)
	}
}

func TestAPodThatLosesItsBundleGetsItAgain(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t), Recheck: 10 * time.Millisecond})
	follow(f, pod("a"))
	f.Want(home, offer(1, "one"))
	f.until(t, "the bundle applied", func(r dataplane.Report) bool { return r.Applied })
	<-agent.arrived

	agent.mu.Lock()
	agent.state = bundle.State{}
	agent.mu.Unlock()

	if again := <-agent.arrived; again != offer(1, "one").Hash {
		t.Errorf("got %s, want the bundle that was lost", again)
	}
}

func TestOfABurstTheFirstBundleIsPushedAtOnceAndThenOnlyTheNewest(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	agent.gate = make(chan struct{})
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t), Recheck: time.Millisecond})
	follow(f, pod("a"))

	const burst = 100
	bundleOf := func(i int64) *dataplane.Offer { return offer(i, fmt.Sprint("bundle ", i)) }
	f.Want(home, bundleOf(1))
	if first := <-agent.arrived; first != bundleOf(1).Hash {
		t.Errorf("pushed %s first", first)
	}
	for i := int64(2); i <= burst; i++ {
		f.Want(home, bundleOf(i))
	}
	close(agent.gate)
	f.until(t, "the newest applied", func(r dataplane.Report) bool { return r.Applied && r.Generation == burst })

	if diff := cmp.Diff([]string{bundleOf(1).Hash, bundleOf(burst).Hash}, agent.pushes()); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
	if agent.most != 1 {
		t.Errorf("%d pushes were in flight at once", agent.most)
	}
}

func TestARefusalIsReportedAndNotAskedForAgain(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	agent.refuse = func(b bundle.Bundle) string {
		if string(b.Files[0].Data) == "bad" {
			return "[emerg] unknown directive"
		}
		return ""
	}
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t), Recheck: time.Millisecond})
	follow(f, pod("a"))
	f.Want(home, offer(1, "good"))
	f.until(t, "the good one applied", func(r dataplane.Report) bool { return r.Applied })

	f.Want(home, offer(2, "bad"))
	r := f.until(t, "the refusal", func(r dataplane.Report) bool { return r.Refused != nil })
	if r.Refused.Message != "[emerg] unknown directive" || r.Applied || r.Generation != 1 || r.Ready != 1 {
		t.Errorf("report %+v, want nginx's words, with generation 1 still served", r)
	}

	f.Want(home, offer(3, "good again"))
	f.until(t, "the next one applied", func(r dataplane.Report) bool { return r.Applied && r.Refused == nil })
	want := []string{offer(1, "good").Hash, offer(2, "bad").Hash, offer(3, "good again").Hash}
	if diff := cmp.Diff(want, agent.pushes()); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}

func TestNothingIsSentToWhoHasAnotherIdentity(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	tests := map[string]*fakeAgent{
		"the pod of another Gateway":        startAgent(t, a, "other.dataplane.example"),
		"a server of another authority":     startAgent(t, newAuthority(t), serverName),
		"who shows the operator's own name": startAgent(t, a, bundle.OperatorIdentity),
	}
	for name, agent := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t)})
			follow(f, pod("a"))
			f.Want(home, offer(1, "secret"))
			r := f.until(t, "the pod asked", func(r dataplane.Report) bool { return r.Known })
			if r.Ready != 0 || r.Applied {
				t.Errorf("report %+v of a pod that is not who it should be", r)
			}
			if pushes := agent.pushes(); len(pushes) > 0 {
				t.Errorf("pushed %v", pushes)
			}
		})
	}
}

func TestASlowPodHoldsUpNoOtherPod(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	slow := startAgent(t, a, serverName)
	slow.gate = make(chan struct{})
	defer close(slow.gate)
	quick := startSecond(t, a, slow)
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: slow.port(t)})
	other := pod("quick")
	other.IP = second
	follow(f, pod("slow"), other)

	f.Want(home, offer(1, "one"))
	<-slow.arrived
	r := f.until(t, "the quick pod served", func(r dataplane.Report) bool { return r.Applied })
	if r.Ready != 1 {
		t.Errorf("report %+v, want one pod that serves", r)
	}
	if len(quick.pushes()) != 1 || len(slow.pushes()) != 0 {
		t.Errorf("answered: slow %v, quick %v", slow.pushes(), quick.pushes())
	}
}

func TestTheOldestGenerationOfPodsThatGetTrafficCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		behindIsReady bool
		ready         int
		generation    int64
	}{
		"a pod that is behind":                      {behindIsReady: true, ready: 2, generation: 3},
		"a pod that is behind, and gets no traffic": {ready: 1, generation: 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			newest, behind := offer(4, "new"), offer(3, "old")
			first := startAgent(t, a, serverName)
			first.state = bundle.State{Hash: newest.Hash, Generation: 4}
			late := startSecond(t, a, first)
			late.state = bundle.State{Hash: behind.Hash, Generation: 3}
			f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: first.port(t)})
			other := pod("b")
			other.IP, other.Ready = second, test.behindIsReady
			follow(f, pod("a"), other)

			r := f.until(t, "both pods asked", func(r dataplane.Report) bool { return r.Known && r.Ready == test.ready })
			if r.Generation != test.generation {
				t.Errorf("generation %d, want %d", r.Generation, test.generation)
			}
		})
	}
}

func TestAListenerSetCountsWithItsOldestGenerationAndOnlyIfAllPodsHaveIt(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	first := startAgent(t, a, serverName)
	first.state = bundle.State{Hash: "new", ListenerSets: map[string]int64{"a/both": 3, "a/older": 1, "a/fresh": 1}}
	late := startSecond(t, a, first)
	late.state = bundle.State{Hash: "old", ListenerSets: map[string]int64{"a/both": 2, "a/older": 2, "a/gone": 1}}
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: first.port(t)})
	other := pod("b")
	other.IP = second
	follow(f, pod("a"), other)

	r := f.until(t, "both pods asked", func(r dataplane.Report) bool { return r.Known && r.Ready == 2 })
	if diff := cmp.Diff(map[string]int64{"a/both": 2, "a/older": 1}, r.ListenerSets); diff != "" {
		t.Errorf("generations (-want +got):\n%s", diff)
	}
}

func TestAReportIsUnknownUntilThePodsHaveBeenAsked(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t)})
	if f.Report(home).Known {
		t.Error("known before the Gateway is")
	}
	follow(f)
	if r := f.Report(home); !r.Known || r.Ready != 0 {
		t.Errorf("report %+v, want known and without pods", r)
	}
	// The agent's lock keeps the answer back.
	agent.mu.Lock()
	follow(f, pod("a"))
	if f.Report(home).Known {
		t.Error("known before the pod has answered")
	}
	agent.mu.Unlock()
	f.until(t, "the answer", func(r dataplane.Report) bool { return r.Known })
}

func TestATrialKeepsOthersFromTheGateway(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	agent := startAgent(t, a, serverName)
	agent.refuse = func(b bundle.Bundle) string {
		if string(b.Files[0].Data) == "bad" {
			return "[emerg] no"
		}
		return ""
	}
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t)})
	follow(f, pod("a"))
	trial, err := f.Try(home)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	f.Want(home, offer(9, "meanwhile"))
	refused, err := trial.Offer(ctx, offer(1, "bad"))
	if err != nil || refused == nil || refused.Message != "[emerg] no" {
		t.Fatalf("bad bundle: %v, %v", refused, err)
	}
	if refused, err := trial.Offer(ctx, offer(1, "good")); err != nil || refused != nil {
		t.Fatalf("good bundle: %v, %v", refused, err)
	}
	trial.End()
	f.Want(home, offer(9, "after"))
	f.until(t, "what is wanted after the trial", func(r dataplane.Report) bool { return r.Applied && r.Generation == 9 })
	want := []string{offer(1, "bad").Hash, offer(1, "good").Hash, offer(9, "after").Hash}
	if diff := cmp.Diff(want, agent.pushes()); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}

func TestATrialWithoutPodsEndsWithItsTime(t *testing.T) {
	t.Parallel()
	f := newFleet(t, dataplane.Options{Identity: identity(t, newAuthority(t))})
	follow(f)
	trial, err := f.Try(home)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := trial.Offer(ctx, offer(1, "one")); err == nil {
		t.Error("a bundle was judged by nobody")
	}
}

func TestOtherEndpointsAreAPatchForAPodThatServesTheRestAndAllOfTheBundleForOthers(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	first := startAgent(t, a, serverName)
	restarted := startSecond(t, a, first)
	f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: first.port(t)})
	other := pod("b")
	other.IP = second
	follow(f, pod("a"), other)
	before := dataplane.NewOffer(table("10.0.0.1", "10.0.0.1"))
	f.Want(home, before)
	f.until(t, "both pods served", func(r dataplane.Report) bool { return r.Ready == 2 })
	<-first.arrived
	<-restarted.arrived

	restarted.restart()
	after := before.Patched([]bundle.Upstream{upstream("a", "10.0.0.2")})
	f.Want(home, after)
	for _, agent := range []*fakeAgent{first, restarted} {
		if hash := <-agent.arrived; hash != after.Hash {
			t.Errorf("a pod gets %s, want %s", hash, after.Hash)
		}
	}
	if diff := cmp.Diff([][]string{{after.Hash}, nil}, [][]string{first.patches(), restarted.patches()}); diff != "" {
		t.Errorf("patches (-want +got):\n%s", diff)
	}
}

func TestWhatAPodSaysOfABundleHoldsForItWithOtherEndpoints(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{"": "applied", "[emerg] no": "refused"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			agent := startAgent(t, a, serverName)
			agent.refuse = func(bundle.Bundle) string { return words }
			f := newFleet(t, dataplane.Options{Identity: identity(t, a), Port: agent.port(t)})
			follow(f, pod("a"))
			first := dataplane.NewOffer(table("10.0.0.1", "10.0.0.1"))
			f.Want(home, first)
			f.until(t, want, func(r dataplane.Report) bool { return r.Applied || r.Refused != nil })
			// The agent's lock keeps its answer back.
			agent.mu.Lock()
			defer agent.mu.Unlock()
			f.Want(home, first.Patched([]bundle.Upstream{upstream("a", "10.0.0.2")}))
			if r := f.Report(home); r.Applied != (words == "") || (r.Refused != nil) != (words != "") {
				t.Errorf("report %+v, want %s", r, want)
			}
		})
	}
}
