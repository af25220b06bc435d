package operator

import (
	"context"
	"maps"
	"sync"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// settleEndpoints is how long after a change of endpoints all is compiled anyway:
// what warnings and the stored bundle say of them can wait for that.
const settleEndpoints = 10 * time.Second

// endpointChanges are the changes of EndpointSlices that the newest compilation
// may not have seen. They are numbered.
type endpointChanges struct {
	wake chan struct{}

	mu     sync.Mutex
	newest int
	slices map[types.NamespacedName]sliceChange
	// services have the number of the newest change of their endpoints.
	services map[types.NamespacedName]int
}

// sliceChange is the newest of an EndpointSlice; nil when it is gone.
type sliceChange struct {
	number int
	slice  *discoveryv1.EndpointSlice
}

func newEndpointChanges() *endpointChanges {
	return &endpointChanges{
		wake:   make(chan struct{}, 1),
		slices: map[types.NamespacedName]sliceChange{}, services: map[types.NamespacedName]int{},
	}
}

// note takes an event about an EndpointSlice: how it was, and how it is; nil
// where it was not, or is not any more.
func (c *endpointChanges) note(before, after *discoveryv1.EndpointSlice) {
	defer c.poke()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest++
	for _, slice := range []*discoveryv1.EndpointSlice{before, after} {
		if slice != nil {
			c.slices[snapshot.KeyOf(slice)] = sliceChange{c.newest, after}
			c.services[types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}] = c.newest
		}
	}
}

// poke wakes the endpointMover.
func (c *endpointChanges) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// mark returns the number of the newest change. A snapshot that is taken from now
// on has it, since the cache is changed before its events are told.
func (c *endpointChanges) mark() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newest
}

// forget drops the changes up to the number: a compilation has seen them.
func (c *endpointChanges) forget(number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.slices, func(_ types.NamespacedName, e sliceChange) bool { return e.number <= number })
	maps.DeleteFunc(c.services, func(_ types.NamespacedName, newest int) bool { return newest <= number })
}

// since returns the Services whose endpoints have changed after that number, all
// EndpointSlices that the newest compilation may not have seen, and the number of
// the newest change.
func (c *endpointChanges) since(number int) (services []types.NamespacedName, changed compiler.EndpointSlices, newest int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for service, newest := range c.services {
		if newest > number {
			services = append(services, service)
		}
	}
	changed = compiler.EndpointSlices{}
	for key, e := range c.slices {
		changed[key] = e.slice
	}
	return services, changed, c.newest
}

// endpointMover brings changes of endpoints to the data planes without a
// compilation of all.
type endpointMover struct {
	reconciler *reconciler
	again      *trigger
}

// Start implements manager.Runnable.
func (m endpointMover) Start(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.reconciler.endpoints.wake:
		}
		if m.reconciler.moveEndpoints() {
			m.again.pullAfter(settleEndpoints)
			continue
		}
		m.again.pull()
	}
}

// moveEndpoints tells the data planes of endpoints that have changed; false where
// all has to be compiled for it.
func (r *reconciler) moveEndpoints() bool {
	r.serving.Lock()
	defer r.serving.Unlock()
	services, changed, newest := r.endpoints.since(r.told)
	r.told = newest
	if r.reach == nil {
		return false
	}
	upstreams, ok := r.reach.Endpoints(services, changed)
	if !ok {
		return false
	}
	for key, p := range r.plans {
		if next := p.offer.Patched(upstreams); next != p.offer {
			r.plans[key] = plan{offer: next, routes: p.routes}
			r.fleet.Want(key, next)
		}
	}
	return true
}

// catchUp brings plans, which come from the snapshot of the reach, to the changes
// of endpoints after the mark: the data planes may have been told of them already,
// and must not go back. The caller holds serving.
func (r *reconciler) catchUp(plans map[types.NamespacedName]plan, reach *compiler.Reach, mark int) {
	r.endpoints.forget(mark)
	services, changed, newest := r.endpoints.since(mark)
	upstreams, ok := reach.Endpoints(services, changed)
	r.told = newest
	if !ok {
		// The endpointMover finds the same, and has all compiled again.
		r.told = mark
		r.endpoints.poke()
	}
	for key, p := range plans {
		plans[key] = plan{offer: p.offer.Patched(upstreams), routes: p.routes}
	}
}

// pullAfter asks for a compilation after that time, if none comes sooner.
func (t *trigger) pullAfter(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queue != nil {
		t.queue.AddAfter(world, d)
	}
}
