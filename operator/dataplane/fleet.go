package dataplane

import (
	"cmp"
	"context"
	"crypto/tls"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// Options of a Fleet.
type Options struct {
	// Identity returns the TLS configuration for the pods of the server name:
	// the certificate to show, whom to trust, which name to expect.
	Identity func(serverName string) *tls.Config
	// Changed is called when a Gateway's report has changed, from many
	// goroutines. It must not block.
	Changed func(gateway types.NamespacedName)
	// Drained is called, if set, for each reload of a pod that concerned open
	// websockets, once, from many goroutines; not for those of before the pod was
	// first asked.
	Drained func(gateway types.NamespacedName, pod Pod, d bundle.Drain)
	Log     logr.Logger

	// Port of the agents; bundle.ControlPort when 0.
	Port int
	// Recheck is how often a pod is asked what it serves; 10 s when 0.
	Recheck time.Duration
	// Reoffer is how often a bundle is offered again that a pod has refused;
	// 1 min when 0.
	Reoffer time.Duration
	// Backoff is the first wait after a failure, doubled up to Recheck; 200 ms
	// when 0.
	Backoff time.Duration
}

// Target is the pods of a Gateway.
type Target struct {
	Gateway types.NamespacedName
	// ServerName is the DNS name in the certificate of the Gateway's pods.
	ServerName string
	Pods       []Pod
}

// Fleet is all data planes.
type Fleet struct {
	options Options
	// ctx is the life of the workers, not of a call.
	ctx  context.Context
	stop context.CancelFunc

	mu       sync.Mutex
	gateways map[types.NamespacedName]*gateway
}

// NewFleet returns an empty fleet. Close ends it.
func NewFleet(o Options) *Fleet {
	o.Port = cmp.Or(o.Port, bundle.ControlPort)
	o.Recheck = cmp.Or(o.Recheck, 10*time.Second)
	o.Reoffer = cmp.Or(o.Reoffer, time.Minute)
	o.Backoff = cmp.Or(o.Backoff, 200*time.Millisecond)
	ctx, stop := context.WithCancel(context.Background())
	return &Fleet{options: o, ctx: ctx, stop: stop, gateways: map[types.NamespacedName]*gateway{}}
}

// Close ends all that the fleet does. Data planes go on serving.
func (f *Fleet) Close() { f.stop() }

// Follow says which pods a Gateway has from now on. They are asked what they
// serve, and get what Want says.
func (f *Fleet) Follow(t Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, ok := f.gateways[t.Gateway]
	if !ok {
		g = newGateway(t.Gateway, f.options.Changed)
		f.gateways[t.Gateway] = g
	}
	g.rename(t.ServerName)
	kept := map[types.UID]bool{}
	for _, p := range t.Pods {
		kept[p.UID] = true
		if w, ok := g.worker(p); ok {
			w.set(p)
			continue
		}
		g.add(newWorker(f.ctx, g, p, f.options))
	}
	g.keep(kept)
}

// Want says what the pods of a followed Gateway are to serve from now on. While
// someone tries bundles on the Gateway it has no effect.
func (f *Fleet) Want(key types.NamespacedName, o *Offer) {
	if g := f.gateway(key); g != nil {
		g.want(o)
	}
}

// Keep forgets all Gateways but these.
func (f *Fleet) Keep(gateways map[types.NamespacedName]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, g := range f.gateways {
		if !gateways[key] {
			g.keep(nil)
			delete(f.gateways, key)
		}
	}
}

// Report returns what the Gateway's pods last said.
func (f *Fleet) Report(key types.NamespacedName) Report {
	if g := f.gateway(key); g != nil {
		return g.report()
	}
	return Report{}
}

func (f *Fleet) gateway(key types.NamespacedName) *gateway {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gateways[key]
}
