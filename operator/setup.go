package operator

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
	"github.com/gatewright/gatewright/operator/dataplane"
)

// Waits after a reconciliation that failed.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// setUp puts the parts together. Everything acts on the leader alone.
func setUp(m manager.Manager, o Options) error {
	c := cluster{
		writer: m.GetClient(), statuses: m.GetClient(), cached: m.GetCache(), live: m.GetAPIReader(), scheme: m.GetScheme(),
	}
	log := m.GetLogger().WithName("operator")
	again := &trigger{}
	identities := newIdentities(c, o.Namespace)
	events := transitions{recorder: m.GetEventRecorder("gatewright")}
	fleet := dataplane.NewFleet(dataplane.Options{
		Identity: identities.toward,
		Changed:  func(types.NamespacedName) { again.pull() },
		Drained:  drainEvents{cached: c.cached, recorder: events.recorder}.tell,
		Log:      log.WithName("dataplane"),
	})
	applier := newApplier(c)
	watches := &watches{cache: m.GetCache(), endpoints: newEndpointChanges()}
	api, err := discovery.NewDiscoveryClientForConfigAndClient(m.GetConfig(), m.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("ask the API server for its kinds: %w", err)
	}
	issuing := observer.NewCertManager(observer.CertManagerOptions{
		Cache: m.GetCache(), Discovery: api, Scheme: m.GetScheme(), Kinds: observer.IssuingKinds(),
		Changed: func(before, after client.Object) {
			if watches.issuingChanged(before, after) {
				again.pull()
			}
		},
		Log: log.WithName("certificates"),
	})
	r := &reconciler{
		cluster:    c,
		observer:   observer.New(m.GetCache(), m.GetAPIReader(), issuing),
		watches:    watches,
		compile:    remembering(o.Compiler),
		applier:    applier,
		pruner:     &pruner{cluster: c, applier: applier},
		identities: identities,
		fleet:      fleet,
		store:      newStore(m.GetClient(), events.warn, log),
		statuses:   newStatusQueue(&statusWriter{cluster: c, events: events, now: time.Now}, log),
		awaited:    newAwaited(time.Now),
		events:     events,
		pace:       newPacer(pace),
		log:        log,
		plans:      map[types.NamespacedName]plan{},
		endpoints:  watches.endpoints,
	}
	compile := func(s snapshot.Snapshot) compiler.Result { return compiler.Run(s, o.Compiler) }
	r.quarantine = newQuarantine(compile, fleetTrials(fleet), r.recall)
	r.quarantine.changed, r.quarantine.log = again.pull, log
	runnables := []manager.Runnable{r.store, r.statuses, issuing, endpointMover{r, again}, manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		fleet.Close()
		return nil
	})}
	for _, runnable := range runnables {
		if err := m.Add(runnable); err != nil {
			return fmt.Errorf("add %T: %w", runnable, err)
		}
	}
	if o.WebhookCertificate.Enabled {
		if err := addWebhookCertificate(m, o, c, identities); err != nil {
			return err
		}
	}
	return addController(m, r, again)
}

func addController(m manager.Manager, r *reconciler, again *trigger) error {
	c, err := controller.New("world", m, controller.Options{
		Reconciler:              r,
		MaxConcurrentReconciles: 1,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
	})
	if err != nil {
		return fmt.Errorf("add the controller: %w", err)
	}
	for _, s := range append(r.watches.sources(), again) {
		if err := c.Watch(s); err != nil {
			return fmt.Errorf("watch %s: %w", s, err)
		}
	}
	return nil
}

// fleetTrials has the quarantine try bundles on real pods.
func fleetTrials(f *dataplane.Fleet) func(types.NamespacedName) (trial, error) {
	return func(key types.NamespacedName) (trial, error) { return f.Try(key) }
}

// remembering returns a compiler for one snapshot after the other, one at a time:
// what has not changed since the one before is not compiled again.
func remembering(o compiler.Options) func(snapshot.Snapshot) compiler.Result {
	var memory *compiler.Memory
	return func(s snapshot.Snapshot) compiler.Result {
		var result compiler.Result
		result, memory = memory.Run(s, o)
		return result
	}
}
