package dataplane

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
)

var errNoVerdict = errors.New("the agent neither serves nor refuses the bundle that it was sent")

// Pod is an nginx pod of a Gateway.
type Pod struct {
	Name types.NamespacedName
	UID  types.UID
	// IP where the agent listens. A pod without one is left out by the caller.
	IP string
	// Ready is the pod's condition: it gets traffic.
	Ready bool
}

// worker keeps one pod at its Gateway's wanted bundle.
type worker struct {
	gateway *gateway
	agent   *agent
	options Options
	log     logr.Logger
	stop    context.CancelFunc
	// wake has room for one: who finds it full knows that a check is to come.
	wake chan struct{}
	// tried is when a bundle was last pushed; for run alone.
	tried time.Time

	mu    sync.Mutex
	pod   Pod
	asked bool
	// answers says that state is what the pod said, not what nobody knows.
	answers bool
	state   bundle.State
	// failure is the last error, empty after an answer. It keeps the log from
	// saying the same thing again and again.
	failure string
}

func newWorker(ctx context.Context, g *gateway, p Pod, o Options) *worker {
	ctx, stop := context.WithCancel(ctx)
	address := net.JoinHostPort(p.IP, strconv.Itoa(o.Port))
	w := &worker{
		gateway: g,
		agent:   newAgent(address, func() *tls.Config { return o.Identity(g.serverName()) }),
		options: o,
		log:     o.Log.WithValues("gateway", g.key.String(), "pod", p.Name.Name),
		stop:    stop,
		wake:    make(chan struct{}, 1),
		pod:     p,
	}
	go w.run(ctx)
	return w
}

// poke asks for a check now.
func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) run(ctx context.Context) {
	defer w.agent.close()
	backoff := w.options.Backoff
	for {
		wait := w.options.Recheck
		if err := w.check(ctx); err != nil {
			wait = backoff
			backoff = min(2*backoff, w.options.Recheck)
		} else {
			backoff = w.options.Backoff
		}
		if !w.pause(ctx, wait) {
			return
		}
	}
}

// pause waits for that long, or until poked; false when it is time to end.
func (w *worker) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-w.wake:
	case <-timer.C:
	}
	return true
}

// check brings the pod to what is wanted: by a patch of what it last said it
// serves, or else by asking what that is now, and pushing what is wanted instead.
func (w *worker) check(ctx context.Context) error {
	if w.patch(ctx) {
		return nil
	}
	state, err := w.agent.state(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	w.answered(state)
	// What is wanted may change while a bundle is on its way: the newest counts,
	// and those in between are skipped.
	for {
		offer := w.gateway.wanted()
		if offer == nil || state.Hash == offer.Hash || w.refusedLately(state, offer) {
			return nil
		}
		if w.patch(ctx) {
			return nil
		}
		w.tried = time.Now()
		if state, err = w.agent.push(ctx, offer); err != nil {
			return w.failed(ctx, err)
		}
		w.answered(state)
		live := state.Hash == offer.Hash
		if !live && (state.Refused == nil || state.Refused.Hash != offer.Hash) {
			return w.failed(ctx, errNoVerdict)
		}
		pushes.WithLabelValues(verdict(live)).Inc()
		w.log.V(1).Info("pushed a bundle", "hash", offer.Hash, "live", live, "took", time.Since(w.tried).String())
	}
}

// patch brings the pod from what it last said to what is wanted, where nothing but
// endpoints has changed since; false where that is not so, or has failed, or there
// was nothing to do.
func (w *worker) patch(ctx context.Context) bool {
	_, _, state := w.last()
	for patched := false; ; patched = true {
		offer := w.gateway.wanted()
		if offer == nil || state.Refused != nil {
			return false
		}
		if state.Hash == offer.Hash {
			return patched
		}
		p, ok := offer.Patch(state.Hash)
		if !ok {
			return false
		}
		after, err := w.agent.patch(ctx, p)
		if err != nil || after.Hash != p.Next {
			w.log.V(1).Info("the data plane takes no patch", "base", p.Base, "error", err)
			return false
		}
		patches.Inc()
		w.patchedTo(after)
		state = after
	}
}

// patchedTo notes that the pod has taken a patch. That is news for those who wait
// for the pod, and none for the compiler.
func (w *worker) patchedTo(s bundle.State) {
	w.mu.Lock()
	w.state, w.failure = s, ""
	w.mu.Unlock()
	w.gateway.tell()
}

// refusedLately says that the pod would most likely refuse the offer again. It
// is offered again now and then, as the reason may lie in the pod.
func (w *worker) refusedLately(s bundle.State, o *Offer) bool {
	return s.Refused != nil && o.Resembles(s.Refused.Hash) && time.Since(w.tried) < w.options.Reoffer
}

func (w *worker) answered(s bundle.State) {
	w.mu.Lock()
	changed := !w.asked || !sameState(w.state, s)
	recovered := w.failure != ""
	var drains []bundle.Drain
	if w.answers {
		drains = newDrains(w.state, s)
	}
	w.asked, w.answers, w.state, w.failure = true, true, s, ""
	pod := w.pod
	w.mu.Unlock()
	if w.options.Drained != nil {
		for _, d := range drains {
			w.options.Drained(w.gateway.key, pod, d)
		}
	}
	if recovered {
		w.log.Info("the data plane answers")
	}
	if changed {
		w.gateway.changed()
	}
}

// failed notes that the pod could not be asked. What it last said stands: it
// goes on serving whether or not it can be reached from here.
func (w *worker) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	w.mu.Lock()
	first := !w.asked
	fresh := w.failure != err.Error()
	w.asked, w.failure = true, err.Error()
	ready := w.pod.Ready
	w.mu.Unlock()
	switch {
	case fresh && ready:
		w.log.Error(err, "reaching the data plane")
	case fresh:
		// It is starting or stopping.
		w.log.V(1).Info("reaching the data plane", "error", err.Error())
	}
	if first {
		w.gateway.changed()
	}
	return err
}

func (w *worker) set(p Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pod = p
}

// last returns what is known of the pod.
func (w *worker) last() (p Pod, asked bool, s bundle.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pod, w.asked, w.state
}

// newDrains returns what a pod tells of reloads that it had not told before. One
// that was restarted counts its reloads anew.
func newDrains(before, after bundle.State) []bundle.Drain {
	if after.Reloads < before.Reloads {
		return after.Drains
	}
	known := map[int64]bool{}
	for _, d := range before.Drains {
		known[d.Reload] = true
	}
	return slices.DeleteFunc(slices.Clone(after.Drains), func(d bundle.Drain) bool { return known[d.Reload] })
}

func sameState(a, b bundle.State) bool {
	if (a.Refused == nil) != (b.Refused == nil) {
		return false
	}
	if a.Refused != nil && *a.Refused != *b.Refused {
		return false
	}
	return a.Hash == b.Hash && a.Generation == b.Generation
}
