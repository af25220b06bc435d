package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/operator/dataplane"
)

const (
	// routingPace is how often a stored bundle is written while routes keep
	// changing: the first change at once, the rest of a burst together.
	routingPace = 2 * time.Second
	// endpointPace is how often a stored bundle is written of which only
	// endpoints or certificates have moved: pods that roll would otherwise have
	// etcd write the whole configuration again and again.
	endpointPace = 10 * time.Second
	// retryPace is how soon a failed write is tried again.
	retryPace = 5 * time.Second
	// lastWrites bounds how long the operator's end waits for what is pending.
	lastWrites = 5 * time.Second
	// maxStored is below the size up to which the API server takes a Secret
	// (1 MiB, all keys together).
	maxStored = 1<<20 - 32<<10
	// routesKey is the key, beside the bundle, with the generations of the
	// routes in it: after a restart they tell which routes nginx has accepted.
	routesKey = "routes.json"
)

// good is a bundle that a data plane serves.
type good struct {
	gateway *gatewayv1.Gateway
	offer   *dataplane.Offer
	routes  generations
}

// store keeps the last good bundle of each Gateway in a Secret beside it, which
// the pods mount: they serve before the operator is up.
type store struct {
	writer client.Writer
	tell   func(g *gatewayv1.Gateway, reason, message string)
	log    logr.Logger
	now    func() time.Time

	mu      sync.Mutex
	entries map[types.NamespacedName]*entry
	wake    chan struct{}
}

// entry is what is stored, and what is to be.
type entry struct {
	pending    *good
	due        time.Time
	hash       string
	configHash string
	written    time.Time
}

func newStore(writer client.Writer, tell func(*gatewayv1.Gateway, string, string), log logr.Logger) *store {
	return &store{
		writer: writer, tell: tell, log: log, now: time.Now,
		entries: map[types.NamespacedName]*entry{}, wake: make(chan struct{}, 1),
	}
}

// keep asks that the bundle be stored: at once, unless one has just been.
func (s *store) keep(g good) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(g.gateway)
	e := s.entries[key]
	if e == nil {
		e = &entry{}
		s.entries[key] = e
	}
	switch {
	case g.offer.Hash == e.hash:
		e.pending = nil
		return
	case e.pending != nil && e.pending.offer.Hash == g.offer.Hash:
		return
	}
	pace := routingPace
	if g.offer.ConfigHash == e.configHash {
		pace = endpointPace
	}
	e.pending, e.due = &g, e.written.Add(pace)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// retain forgets all Gateways but these.
func (s *store) retain(gateways map[types.NamespacedName]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.entries {
		if !gateways[key] {
			delete(s.entries, key)
		}
	}
}

// Start implements manager.Runnable: it writes what is due, and at the end all
// that is pending.
func (s *store) Start(ctx context.Context) error {
	for {
		wait := s.flush(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			s.finish(ctx)
			return nil
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// finish writes what is pending before its time, as nobody will do so later.
func (s *store) finish(ended context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ended), lastWrites)
	defer cancel()
	s.mu.Lock()
	for _, e := range s.entries {
		e.due = time.Time{}
	}
	s.mu.Unlock()
	s.flush(ctx)
}

// flush writes what is due and returns how long the next can wait.
func (s *store) flush(ctx context.Context) time.Duration {
	for _, g := range s.takeDue() {
		err := s.write(ctx, g)
		if err != nil && ctx.Err() == nil {
			s.log.Error(err, "storing the last good bundle")
		}
		s.settle(g, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Hour
	for _, e := range s.entries {
		if e.pending != nil {
			wait = min(wait, max(0, e.due.Sub(s.now())))
		}
	}
	return wait
}

func (s *store) takeDue() []*good {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*good
	for _, e := range s.entries {
		if e.pending != nil && !s.now().Before(e.due) {
			due = append(due, e.pending)
		}
	}
	return due
}

// settle notes what has become of a write. A newer bundle that has come
// meanwhile stays pending.
func (s *store) settle(g *good, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[client.ObjectKeyFromObject(g.gateway)]
	if e == nil {
		return
	}
	if err != nil {
		e.due = s.now().Add(retryPace)
		return
	}
	e.hash, e.configHash, e.written = g.offer.Hash, g.offer.ConfigHash, s.now()
	if e.pending == g {
		e.pending = nil
	}
}

func (s *store) write(ctx context.Context, g *good) error {
	key := client.ObjectKeyFromObject(g.gateway)
	encoded, err := g.offer.Encoded()
	if err != nil {
		return err
	}
	routes, err := json.Marshal(g.routes)
	if err != nil {
		return fmt.Errorf("encode the generations of routes: %w", err)
	}
	if size := len(encoded) + len(routes); size > maxStored {
		s.tell(g.gateway, "BundleTooLarge", fmt.Sprintf(
			"The configuration has %d bytes compressed, of which a Secret takes %d: a pod that restarts serves once the operator has sent it", size, maxStored))
		return nil
	}
	secret := ownedSecret(g.gateway, infra.BundleSecretName(key)).
		WithType(corev1.SecretTypeOpaque).
		WithData(map[string][]byte{bundle.StoredKey: encoded, routesKey: routes})
	if err := s.writer.Apply(ctx, secret, owner, client.ForceOwnership); err != nil {
		return fmt.Errorf("write Secret %s/%s: %w", key.Namespace, infra.BundleSecretName(key), err)
	}
	return nil
}
