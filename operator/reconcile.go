package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
	"github.com/gatewright/gatewright/operator/dataplane"
)

const (
	// pace is the least time from one snapshot to the next, see pacer.
	pace = 25 * time.Millisecond
	// revisit is how often all is gone through without a reason: certificates
	// are renewed then.
	revisit = time.Hour
	// gatewaysAtOnce is for how many Gateways objects are written at a time.
	gatewaysAtOnce = 4
)

// reconciler brings the world to what the compiler says of it.
type reconciler struct {
	cluster
	observer   *observer.Observer
	watches    *watches
	compile    func(snapshot.Snapshot) compiler.Result
	applier    *applier
	pruner     *pruner
	identities *identities
	fleet      *dataplane.Fleet
	quarantine *quarantine
	store      *store
	statuses   *statusQueue
	awaited    *awaited
	events     transitions
	pace       *pacer
	log        logr.Logger

	// endpoints are what has changed since, or during, the newest compilation.
	endpoints *endpointChanges

	// serving is held by the one who tells the data planes what to serve.
	serving sync.Mutex
	// plans are what each Gateway's pods were last told to serve; reach knows of
	// the snapshot that they come from, and is nil before the first one.
	plans map[types.NamespacedName]plan
	reach *compiler.Reach
	// told is the number of the newest change of endpoints in the plans.
	told int
}

// plan is an offer, and the routes in it.
type plan struct {
	offer  *dataplane.Offer
	routes generations
}

// Reconcile implements reconcile.Reconciler.
func (r *reconciler) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	if err := r.pace.wait(ctx); err != nil {
		return reconcile.Result{}, fmt.Errorf("wait for the next compilation: %w", err)
	}
	// Interest comes first: see observer.Interest.
	interest, err := r.observer.Interest(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.watches.interest.Store(&interest)
	s, result, err := r.renew(ctx, interest)
	if err != nil {
		return reconcile.Result{}, err
	}
	again := revisit
	if next := r.awaited.note(result); next > 0 {
		again = min(again, next)
	}
	err = r.own(ctx, s, result)
	return reconcile.Result{RequeueAfter: again}, err
}

// renew takes a snapshot, compiles it, and says what follows to the data planes
// and in statuses. Endpoints go on moving meanwhile.
func (r *reconciler) renew(ctx context.Context, interest observer.Interest) (snapshot.Snapshot, compiler.Result, error) {
	began := time.Now()
	mark := r.endpoints.mark()
	s, err := r.observer.Observe(ctx)
	if err != nil {
		return s, compiler.Result{}, err
	}
	s.OverdueCertificates = r.awaited.overdue()
	reports, err := r.hear(ctx, &s, interest.Gateways())
	if err != nil {
		return s, compiler.Result{}, err
	}
	started := time.Now()
	result := r.compile(s)
	compileSeconds.Observe(time.Since(started).Seconds())
	plans := plansOf(s, result)
	reach := compiler.NewReach(s)
	r.serving.Lock()
	r.catchUp(plans, reach, mark)
	r.serve(ctx, s, plans, reports)
	r.plans, r.reach = plans, reach
	r.serving.Unlock()
	r.statuses.put(newStatusWork(s, result.Statuses, func(key types.NamespacedName) bool { return reports[key].Known }))
	r.pace.took(time.Since(began))
	return s, result, nil
}

// plansOf returns what the Gateways' pods are to serve.
func plansOf(s snapshot.Snapshot, result compiler.Result) map[types.NamespacedName]plan {
	plans := map[types.NamespacedName]plan{}
	for _, g := range result.Gateways {
		if _, ok := s.Gateways.Get(g.Key.Namespace, g.Key.Name); ok {
			plans[g.Key] = plan{offer: dataplane.NewOffer(g.Bundle), routes: routesOf(g.Key, s, result)}
		}
	}
	return plans
}

// hear completes the snapshot with what the data planes and the load balancer
// say, and follows the pods that there are now.
func (r *reconciler) hear(ctx context.Context, s *snapshot.Snapshot, gateways map[types.NamespacedName]bool) (map[types.NamespacedName]dataplane.Report, error) {
	if _, err := r.identities.load(ctx); err != nil {
		return nil, err
	}
	pods, err := podsOf(ctx, r.cached)
	if err != nil {
		return nil, err
	}
	words, err := serviceEvents(ctx, r.cached, gateways)
	if err != nil {
		return nil, err
	}
	reports := map[types.NamespacedName]dataplane.Report{}
	s.DataPlanes = map[types.NamespacedName]snapshot.DataPlane{}
	for _, g := range s.Gateways.All() {
		key := snapshot.KeyOf(g)
		if !gateways[key] {
			continue
		}
		r.fleet.Follow(dataplane.Target{Gateway: key, ServerName: serverName(g), Pods: pods[podsKey(key)]})
		report := r.fleet.Report(key)
		if r.quarantine.busy(key) {
			// It is about a candidate, not about what is wanted.
			report.Refused = nil
		}
		reports[key] = report
		s.DataPlanes[key] = snapshot.DataPlane{
			Ready: report.Ready, Generation: report.Generation, ListenerSets: report.ListenerSets, Refused: report.Refused, ServiceEvent: words[key],
		}
	}
	r.fleet.Keep(gateways)
	r.store.retain(gateways)
	r.quarantine.retain(gateways)
	s.Quarantined = r.quarantine.current(*s)
	return reports, nil
}

// serve tells the pods what to serve, and acts upon what they said of what they
// were told before.
func (r *reconciler) serve(ctx context.Context, s snapshot.Snapshot, plans map[types.NamespacedName]plan, reports map[types.NamespacedName]dataplane.Report) {
	for key, next := range plans {
		before, ok := r.plans[key]
		next.offer = next.offer.After(before.offer)
		plans[key] = next
		if ok {
			r.answered(s, before, reports[key])
			if next.offer.Resembles(before.offer.Hash) {
				r.suspect(ctx, s, next, reports[key])
			}
		}
		r.fleet.Want(key, next.offer)
	}
}

// answered stores a plan that a pod serves.
func (r *reconciler) answered(s snapshot.Snapshot, p plan, report dataplane.Report) {
	g, ok := s.Gateways.Get(report.Gateway.Namespace, report.Gateway.Name)
	if ok && report.Applied && p.offer.Resembles(report.Wanted.Hash) && !r.quarantine.busy(report.Gateway) {
		r.quarantine.accept(report.Gateway, p.routes)
		r.store.keep(good{gateway: g, offer: p.offer, routes: p.routes})
	}
}

// suspect has the routes to blame searched for if the pods refuse what they are
// still to serve.
func (r *reconciler) suspect(ctx context.Context, s snapshot.Snapshot, p plan, report dataplane.Report) {
	if report.Refused != nil && !report.Applied && p.offer.Resembles(report.Wanted.Hash) {
		r.quarantine.investigate(ctx, refusal{
			gateway: report.Gateway, snapshot: s, routes: p.routes, hash: report.Refused.Hash,
		})
	}
}

// own brings the objects that we own to what is wanted, those of each Gateway
// for themselves: what fails for one does not hinder the others.
func (r *reconciler) own(ctx context.Context, s snapshot.Snapshot, result compiler.Result) error {
	var group errgroup.Group
	group.SetLimit(gatewaysAtOnce)
	var failed failures
	for _, g := range result.Gateways {
		source, ok := s.Gateways.Get(g.Key.Namespace, g.Key.Name)
		if !ok || !source.DeletionTimestamp.IsZero() {
			continue
		}
		group.Go(func() error {
			if err := r.build(ctx, source, g.Objects); err != nil {
				failed.add(fmt.Errorf("gateway %s: %w", g.Key, err))
				if errors.Is(err, errForeign) {
					r.events.warn(source, "NameTaken", err.Error())
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	for _, p := range result.Policies {
		failed.add(r.applier.apply(ctx, p))
	}
	failed.add(r.issue(ctx, result))
	failed.add(r.pruner.prune(ctx, s, result))
	failed.add(r.pruner.certificates(ctx, s, result))
	return errors.Join(failed.all...)
}

// build makes the Gateway's objects exist; the identity first, as the pods
// mount it.
func (r *reconciler) build(ctx context.Context, g *gatewayv1.Gateway, objects []infra.Object) error {
	if err := r.identities.ensure(ctx, g); err != nil {
		return err
	}
	for _, o := range objects {
		if err := r.applier.apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// routesOf returns the routes that are in a Gateway's bundle.
func routesOf(gateway types.NamespacedName, s snapshot.Snapshot, result compiler.Result) generations {
	in := generations{}
	for _, r := range result.Statuses.Routes {
		route, ok := s.Route(r.Key)
		if out, quarantined := s.Quarantined[r.Key]; !ok || quarantined && out.Generation == route.GetGeneration() {
			continue
		}
		for _, p := range r.Parents {
			if parentGateway(r.Key.Namespace, p.ParentRef, s) == gateway {
				in[r.Key.String()] = route.GetGeneration()
			}
		}
	}
	return in
}

// parentGateway is the Gateway that a parentRef of a route in the namespace leads
// to, by its ListenerSet where it names one.
func parentGateway(namespace string, ref gatewayv1.ParentReference, s snapshot.Snapshot) types.NamespacedName {
	if ref.Namespace != nil {
		namespace = string(*ref.Namespace)
	}
	if ref.Kind == nil || *ref.Kind != "ListenerSet" {
		return types.NamespacedName{Namespace: namespace, Name: string(ref.Name)}
	}
	set, ok := s.ListenerSets.Get(namespace, string(ref.Name))
	if !ok {
		return types.NamespacedName{}
	}
	gateway, _ := graph.SetParent(set)
	return gateway
}

// recall reads which routes were in the stored bundle; nil where there is none.
func (r *reconciler) recall(ctx context.Context, gateway types.NamespacedName) generations {
	key := types.NamespacedName{Namespace: gateway.Namespace, Name: infra.BundleSecretName(gateway)}
	secret := &corev1.Secret{}
	if err := r.live.Get(ctx, key, secret); err != nil {
		if client.IgnoreNotFound(err) != nil {
			r.log.Error(err, "reading the stored bundle", "gateway", gateway.String())
		}
		return nil
	}
	var routes generations
	if err := json.Unmarshal(secret.Data[routesKey], &routes); err != nil {
		return nil
	}
	return routes
}
