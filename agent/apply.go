package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// settleTime bounds the wait for new workers to ask for all their upstreams.
// An upstream that no configuration names is never asked for.
const settleTime = 2 * time.Second

// maxWaiting is how many pushes may wait for the one in flight.
const maxWaiting = 4

var (
	errBusy    = errors.New("too many bundles are waiting to be applied")
	errStopped = errors.New("the data plane is stopping")
	errStuck   = errors.New("nginx did not go back to the configuration before")
	errBase    = errors.New("the patch is not for what nginx serves")
)

// applied is what must be kept of a bundle that is, or was, live.
type applied struct {
	// hash is empty where nothing is live.
	hash       string
	hashes     bundle.Hashes
	generation int64
	// listenerSets are their generations, by namespace/name@UID.
	listenerSets map[string]int64
	// drain is how long connections live on after a reload, grace after a
	// request to stop; 0 where the bundle does not say.
	drain, grace time.Duration
	destinations destinations
	certificates []string
}

// applier brings bundles live, one at a time.
type applier struct {
	options  Options
	nginx    *nginx
	director director
	metrics  *counters
	log      *slog.Logger

	// slot is held by the one who applies; waiting bounds those who queue.
	slot    chan struct{}
	waiting chan struct{}
	// stopped is closed when nothing is to be applied any more.
	stopped chan struct{}

	// Written by the holder of the slot only.
	previous applied
	// carried are destinations of the configuration before the last reload: its
	// workers still ask for them.
	carried destinations

	mu      sync.Mutex
	live    applied
	refused *bundle.Refusal
	reloads int64
}

func newApplier(o Options, n *nginx, d director, c *counters) *applier {
	return &applier{
		options: o, nginx: n, director: d, metrics: c, log: o.Logger,
		slot: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaiting+1), stopped: make(chan struct{}),
	}
}

// state is what the data plane says of itself.
func (a *applier) state() bundle.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bundle.State{
		Hash: a.live.hash, ConfigHash: a.live.hashes.Config, Generation: a.live.generation,
		ListenerSets: a.live.listenerSets,
		Refused:      a.refused, Reloads: a.reloads, Drains: a.nginx.drains.list(),
	}
}

func (a *applier) current() applied {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live
}

// isLive tells whether nginx serves a bundle.
func (a *applier) isLive() bool { return a.current().hash != "" }

// acquire takes the slot; release gives it back.
func (a *applier) acquire(ctx context.Context) error {
	select {
	case a.waiting <- struct{}{}:
	default:
		return errBusy
	}
	defer func() { <-a.waiting }()
	select {
	case a.slot <- struct{}{}:
		return nil
	case <-a.stopped:
		return errStopped
	case <-ctx.Done():
		return fmt.Errorf("wait for the bundle before this one: %w", ctx.Err())
	}
}

func (a *applier) release() { <-a.slot }

// close lets nothing be applied any more, and waits for what is in flight.
func (a *applier) close(ctx context.Context) {
	close(a.stopped)
	select {
	case a.slot <- struct{}{}:
	case <-ctx.Done():
	}
}

// apply brings the bundle live and returns the state that follows. The bundle
// may have been refused: the state says so. An error means that the agent could
// not tell. The caller holds the slot.
func (a *applier) apply(ctx context.Context, b bundle.Bundle) (bundle.State, error) {
	if closed(a.stopped) {
		return a.state(), errStopped
	}
	started := time.Now()
	next := newCandidate(b)
	err := a.bring(ctx, next)
	a.metrics.applied(time.Since(started))
	var no *refusal
	switch {
	case errors.As(err, &no):
		a.log.Warn("bundle refused", "hash", next.hash, "error", err)
		a.setRefused(&bundle.Refusal{Hash: next.hash, Message: no.message})
	case err != nil:
		return a.state(), err
	default:
		a.commit(next)
	}
	if err := a.cleanUp(); err != nil {
		a.log.Warn("clean up after a bundle", "error", err)
	}
	return a.state(), nil
}

// patch makes other endpoints live. It fails with errBase if the patch does not
// lead from what is live to what it says. The caller holds the slot.
func (a *applier) patch(p bundle.Patch) (bundle.State, error) {
	if closed(a.stopped) {
		return a.state(), errStopped
	}
	live := a.current()
	if live.hash == "" || live.hash != p.Base {
		return a.state(), errBase
	}
	if err := validateUpstreams(p.Upstreams); err != nil {
		return a.state(), err
	}
	table, hashes, changed := bundle.Replace(live.destinations.upstreams, live.hashes, p.Upstreams)
	if hashes.Whole() != p.Next {
		return a.state(), errBase
	}
	a.director.resolver.Change(changed)
	live.hash, live.hashes, live.destinations.upstreams = p.Next, hashes, table
	a.mu.Lock()
	a.live, a.refused = live, nil
	a.mu.Unlock()
	return a.state(), nil
}

// bring makes nginx serve the bundle by the lightest means that will do. It
// does so even if the bundle is live already: one that failed late may have left
// other certificates.
func (a *applier) bring(ctx context.Context, b *candidate) error {
	if err := validate(b.Bundle); err != nil {
		return err
	}
	var err error
	if b.destinations, err = a.director.prepare(b.Bundle); err != nil {
		return err
	}
	if a.current().hashes.Config != b.hashes.Config {
		return a.load(ctx, b)
	}
	if err := writeCertificates(a.options, b.Certificates); err != nil {
		return err
	}
	return a.director.use(b.destinations, a.carried)
}

// load makes nginx load the bundle's configuration. If nginx refuses it, it
// serves what it served before.
func (a *applier) load(ctx context.Context, b *candidate) error {
	dir, err := writeGeneration(a.options, b.hashes.Config, b.Files)
	if err != nil {
		return err
	}
	next := a.nginx.nextSocketZone()
	if err := writeSocketZone(dir, next); err != nil {
		return err
	}
	// New workers need the files to be there; those that are in use stay as they
	// are until nginx has taken the configuration.
	if err := writeCertificates(a.options, missing(a.options, b.Certificates)); err != nil {
		return err
	}
	if err := a.switchOver(ctx, b); err != nil {
		return err
	}
	a.nginx.useSocketZone(next)
	return nil
}

// switchOver goes from the live configuration to the bundle's, and back if
// nginx does not follow.
func (a *applier) switchOver(ctx context.Context, b *candidate) error {
	before := a.current()
	// Until nginx has judged, what is live comes first.
	if err := a.director.use(before.destinations, b.destinations); err != nil {
		return err
	}
	a.director.resolver.Forget(b.destinations.upstreams)
	if err := a.take(ctx, b, before); err != nil {
		a.metrics.reloadFailed()
		return errors.Join(err, a.director.use(before.destinations, a.carried),
			a.nginx.goBack(ctx, cmp.Or(before.hashes.Config, bootHash)))
	}
	a.mu.Lock()
	a.reloads++
	reloads := a.reloads
	a.mu.Unlock()
	a.nginx.replaced(reloads, before.drain)
	a.carried = before.destinations
	a.settle(ctx)
	return nil
}

// take has nginx load the generation, and then the rest of the bundle follow.
func (a *applier) take(ctx context.Context, b *candidate, before applied) error {
	if err := a.nginx.reload(ctx, b.hashes.Config); err != nil {
		return err
	}
	// Certificates are read by workers, at a handshake (ssl_certificate with a
	// variable). Those that changed come only now, as nobody could take them back
	// from a bundle that nginx refuses. For a moment new workers show what a file
	// had before, as old ones do in any renewal; each file is a pair at all times.
	if err := writeCertificates(a.options, b.Certificates); err != nil {
		return err
	}
	return a.director.use(b.destinations, before.destinations)
}

// settle waits until nginx's new workers have asked for their peers, so that
// the first request to a new route finds them.
func (a *applier) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for a.director.resolver.Unasked() > 0 {
		select {
		case <-ctx.Done():
			a.log.Debug("some upstreams have not been asked for", "count", a.director.resolver.Unasked())
			return
		case <-time.After(pollInterval):
		}
	}
}

func (a *applier) setRefused(r *bundle.Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = r
}

// commit notes that the bundle is live.
func (a *applier) commit(b *candidate) {
	next := applied{
		hash: b.hash, hashes: b.hashes, generation: b.Generation,
		listenerSets: b.ListenerSets,
		drain:        time.Duration(b.DrainSeconds) * time.Second,
		grace:        time.Duration(b.GraceSeconds) * time.Second,
		destinations: b.destinations,
	}
	for _, c := range b.Certificates {
		next.certificates = append(next.certificates, c.Path)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.live.hashes.Config != next.hashes.Config {
		a.previous = a.live
	}
	a.live, a.refused = next, nil
}

// cleanUp removes what neither the live configuration nor the one before
// needs. Draining workers of the latter may still read its certificates.
func (a *applier) cleanUp() error {
	live := a.current()
	keep := append(append([]string{}, live.certificates...), a.previous.certificates...)
	return errors.Join(
		removeGenerations(a.options, live.hashes.Config, a.previous.hashes.Config, bootHash),
		removeCertificates(a.options, keep),
	)
}

// union adds to the table those upstreams of others that it has not.
func union(table, others []bundle.Upstream) []bundle.Upstream {
	known := make(map[string]bool, len(table))
	all := make([]bundle.Upstream, 0, len(table)+len(others))
	for _, u := range table {
		known[u.ID] = true
		all = append(all, u)
	}
	for _, u := range others {
		if !known[u.ID] {
			all = append(all, u)
		}
	}
	return all
}
