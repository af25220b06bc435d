package hop

import (
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// downTime is how long an endpoint is passed over after it could not be
// connected to (nginx's default fail_timeout).
const downTime = 10 * time.Second

// endpoint is one member of an upstream.
type endpoint struct {
	address netip.AddrPort
	// host is the address as a URL has it.
	host string
	// status, unless 0, is what the endpoint stands for: it is a sentinel.
	status int
}

// sentinels are servers of nginx itself, which the hop need not ask.
var sentinels = map[netip.AddrPort]int{
	netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), bundle.NoEndpointsPort):    http.StatusServiceUnavailable,
	netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), bundle.InvalidBackendPort): http.StatusInternalServerError,
}

// upstream is a set of endpoints that take turns.
type upstream struct {
	endpoints []endpoint
	balance   *balance
	failures  *failures
}

func newUpstream(u bundle.Upstream, f *failures) *upstream {
	out := &upstream{failures: f}
	var weights []int64
	for _, e := range u.Endpoints {
		address, err := netip.ParseAddr(e.Address)
		if err != nil || e.Weight == 0 {
			continue
		}
		at := netip.AddrPortFrom(address.Unmap(), e.Port)
		out.endpoints = append(out.endpoints, endpoint{address: at, host: at.String(), status: sentinels[at]})
		weights = append(weights, int64(e.Weight))
	}
	out.balance = newBalance(weights)
	return out
}

// pick returns the next endpoint: one that was not tried and has not failed
// lately, or else one that has not failed, or else one that was not tried, or
// else any. Of an upstream without endpoints it returns the sentinel.
func (u *upstream) pick(tried []netip.AddrPort) endpoint {
	up := u.failures.up()
	untried := func(i int) bool { return !slices.Contains(tried, u.endpoints[i].address) }
	i := u.balance.pick(func(i int) bool { return untried(i) && up(u.endpoints[i].address) })
	if i < 0 {
		i = u.balance.pick(func(i int) bool { return up(u.endpoints[i].address) })
	}
	if i < 0 {
		i = u.balance.pick(untried)
	}
	if i < 0 {
		i = u.balance.pick(func(int) bool { return true })
	}
	if i < 0 {
		return endpoint{status: http.StatusServiceUnavailable}
	}
	return u.endpoints[i]
}

// pickOther returns only an endpoint that was not tried, if there is one.
func (u *upstream) pickOther(tried []netip.AddrPort) (endpoint, bool) {
	up := u.failures.up()
	untried := func(i int) bool { return !slices.Contains(tried, u.endpoints[i].address) }
	i := u.balance.pick(func(i int) bool { return untried(i) && up(u.endpoints[i].address) })
	if i < 0 {
		i = u.balance.pick(untried)
	}
	if i < 0 {
		return endpoint{}, false
	}
	return u.endpoints[i], true
}

// failures are the endpoints that could not be connected to lately, in
// whatever table they are.
type failures struct {
	mu    sync.Mutex
	until map[netip.AddrPort]time.Time
}

func newFailures() *failures { return &failures{until: map[netip.AddrPort]time.Time{}} }

// add notes that the endpoint cannot be connected to.
func (f *failures) add(address netip.AddrPort) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for a, until := range f.until {
		if now.After(until) {
			delete(f.until, a)
		}
	}
	f.until[address] = now.Add(downTime)
}

// up returns who has not failed lately, as of now.
func (f *failures) up() func(netip.AddrPort) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.until) == 0 {
		return func(netip.AddrPort) bool { return true }
	}
	now := time.Now()
	down := map[netip.AddrPort]bool{}
	for a, until := range f.until {
		if now.Before(until) {
			down[a] = true
		}
	}
	return func(a netip.AddrPort) bool { return !down[a] }
}
