package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

const (
	// statusWrites at a time: enough for a thousand routes in seconds, few for
	// the API server of a Raspberry Pi.
	statusWrites = 8
	// statusTries is how often a write is tried that others' writes overtake.
	statusTries = 5
)

// statusWriter brings statuses to what the compiler says, where they differ.
type statusWriter struct {
	cluster
	events transitions
	now    func() time.Time
	latest versions
}

// statusWork is the statuses of one compilation.
type statusWork struct {
	statuses status.Statuses
	// stale are routes and policies that no longer have to do with us, and still
	// carry our entries.
	stale status.Statuses
}

// newStatusWork leaves out the Gateways of which too little is known yet.
func newStatusWork(s snapshot.Snapshot, statuses status.Statuses, known func(types.NamespacedName) bool) statusWork {
	w := statusWork{statuses: statuses}
	w.statuses.Gateways, w.statuses.ListenerSets = nil, nil
	for _, g := range statuses.Gateways {
		if known(g.Key) {
			w.statuses.Gateways = append(w.statuses.Gateways, g)
		}
	}
	for _, set := range statuses.ListenerSets {
		if known(set.Gateway) {
			w.statuses.ListenerSets = append(w.statuses.ListenerSets, set)
		}
	}
	routes := map[snapshot.RouteKey]bool{}
	for _, r := range statuses.Routes {
		routes[r.Key] = true
	}
	for _, r := range s.Routes() {
		if key := r.RouteKey(); !routes[key] && ours(r.Parents) > 0 {
			w.stale.Routes = append(w.stale.Routes, status.Route{Key: key})
		}
	}
	w.stale.ListenerSets = orphans(s)
	policies := map[types.NamespacedName]bool{}
	for _, p := range statuses.Policies {
		policies[p.Key] = true
	}
	for _, p := range s.WebSocketPolicies.All() {
		if key := snapshot.KeyOf(p); !policies[key] && len(p.Status.Ancestors) > 0 {
			w.stale.Policies = append(w.stale.Policies, status.Policy{Key: key})
		}
	}
	w.stale.BackendTLSPolicies = staleBackendTLSPolicies(s, statuses)
	return w
}

// write writes all that differ, and fails with all that could not be written.
func (w *statusWriter) write(ctx context.Context, work statusWork) error {
	var group errgroup.Group
	group.SetLimit(statusWrites)
	var failures failures
	do := func(f func(context.Context) error) {
		group.Go(func() error {
			failures.add(f(ctx))
			return nil
		})
	}
	for _, c := range work.statuses.Classes {
		do(func(ctx context.Context) error { return w.class(ctx, c) })
	}
	for _, g := range work.statuses.Gateways {
		do(func(ctx context.Context) error { return w.gateway(ctx, g) })
	}
	for _, set := range slices.Concat(work.statuses.ListenerSets, work.stale.ListenerSets) {
		do(func(ctx context.Context) error { return w.listenerSet(ctx, set) })
	}
	for _, r := range slices.Concat(work.statuses.Routes, work.stale.Routes) {
		do(func(ctx context.Context) error { return w.route(ctx, r) })
	}
	for _, p := range slices.Concat(work.statuses.Policies, work.stale.Policies) {
		do(func(ctx context.Context) error { return w.policy(ctx, p) })
	}
	for _, p := range slices.Concat(work.statuses.BackendTLSPolicies, work.stale.BackendTLSPolicies) {
		do(func(ctx context.Context) error { return w.backendTLSPolicy(ctx, p) })
	}
	_ = group.Wait()
	return errors.Join(failures.all...)
}

func (w *statusWriter) class(ctx context.Context, c status.Class) error {
	key := types.NamespacedName{Name: c.Name}
	if err := w.finalizer(ctx, key, c.Used); err != nil {
		return err
	}
	_, err := update(ctx, w, key, changed(func(o *gatewayv1.GatewayClass) {
		o.Status.Conditions = merge(o.Status.Conditions, c.Status.Conditions, classConditions, w.time())
		o.Status.SupportedFeatures = c.Status.SupportedFeatures
	}))
	return err
}

func (w *statusWriter) gateway(ctx context.Context, g status.Gateway) error {
	written, err := update(ctx, w, g.Key, changed(func(o *gatewayv1.Gateway) {
		o.Status.Addresses = g.Status.Addresses
		o.Status.AttachedListenerSets = g.Status.AttachedListenerSets
		o.Status.Conditions = merge(o.Status.Conditions, g.Status.Conditions, gatewayConditions, w.time())
		o.Status.Listeners = mergeListeners(o.Status.Listeners, g.Status.Listeners, w.time())
	}))
	if written.after != nil {
		w.events.gateway(written.before, written.after)
	}
	return err
}

func (w *statusWriter) route(ctx context.Context, r status.Route) error {
	switch r.Key.Kind {
	case "GRPCRoute":
		return writeRoute(ctx, w, r, func(o *gatewayv1.GRPCRoute) *gatewayv1.RouteStatus { return &o.Status.RouteStatus })
	case "HTTPRoute":
		return writeRoute(ctx, w, r, func(o *gatewayv1.HTTPRoute) *gatewayv1.RouteStatus { return &o.Status.RouteStatus })
	case "TCPRoute":
		return writeRoute(ctx, w, r, func(o *gatewayv1.TCPRoute) *gatewayv1.RouteStatus { return &o.Status.RouteStatus })
	case "TLSRoute":
		return writeRoute(ctx, w, r, func(o *gatewayv1.TLSRoute) *gatewayv1.RouteStatus { return &o.Status.RouteStatus })
	case "UDPRoute":
		return writeRoute(ctx, w, r, func(o *gatewayv1.UDPRoute) *gatewayv1.RouteStatus { return &o.Status.RouteStatus })
	}
	return fmt.Errorf("write the status of %s: no such kind of route", r.Key)
}

func writeRoute[T any, O object[T]](ctx context.Context, w *statusWriter, r status.Route, of func(*T) *gatewayv1.RouteStatus) error {
	written, err := update[T, O](ctx, w, r.Key.NamespacedName, func(before, after *T) bool {
		of(after).Parents = mergeParents(of(before).Parents, r.Parents, w.time())
		return !slices.EqualFunc(of(before).Parents, of(after).Parents, sameParent)
	})
	if written.after != nil {
		w.events.route(O(written.after), of(written.before).Parents, of(written.after).Parents)
	}
	return err
}

func (w *statusWriter) policy(ctx context.Context, p status.Policy) error {
	_, err := update(ctx, w, p.Key, changed(func(o *v1alpha1.WebSocketPolicy) {
		o.Status.Ancestors = mergeAncestors(o.Status.Ancestors, p.Ancestors, w.time())
	}))
	return err
}

func (w *statusWriter) time() metav1.Time { return metav1.NewTime(w.now()) }

// object is a pointer to an API type.
type object[T any] interface {
	*T
	client.Object
}

// change is what was written: nothing where nothing differed.
type change[T any] struct{ before, after *T }

// changed makes of a function that edits one that says whether it made a
// difference.
func changed[T any](edit func(*T)) func(before, after *T) bool {
	return func(before, after *T) bool {
		edit(after)
		return !equality.Semantic.DeepEqual(before, after)
	}
}

// update changes the status of an object and writes it if the edit says that it
// made a difference. The patch names the version that it was made from: where someone
// else was faster, it is made again from theirs.
func update[T any, O object[T]](ctx context.Context, w *statusWriter, key types.NamespacedName, edit func(before, after *T) bool) (change[T], error) {
	read, id := w.cached, statusKey{fmt.Sprintf("%T", new(T)), key}
	for try := 1; ; try++ {
		before := O(new(T))
		err := read.Get(ctx, key, before)
		if try == 1 && w.latest.precedes(id, before.GetResourceVersion()) {
			before = O(new(T))
			err = w.live.Get(ctx, key, before)
		}
		if err != nil {
			// What is gone has no status.
			return change[T]{}, client.IgnoreNotFound(err)
		}
		after, ok := before.DeepCopyObject().(O)
		if !ok {
			return change[T]{}, fmt.Errorf("copy %T %s", before, key)
		}
		if !edit((*T)(before), (*T)(after)) {
			return change[T]{}, nil
		}
		patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
		err = w.statuses.Status().Patch(ctx, after, patch, owner)
		switch {
		case err == nil:
			w.latest.wrote(id, after.GetResourceVersion())
			return change[T]{(*T)(before), (*T)(after)}, nil
		case apierrors.IsNotFound(err):
			return change[T]{}, nil
		case !apierrors.IsConflict(err) || try == statusTries:
			return change[T]{}, fmt.Errorf("write the status of %T %s: %w", before, key, err)
		}
		read = w.live
	}
}

// finalizer makes the class carry the finalizer by which it cannot go while
// Gateways use it, or not.
func (w *statusWriter) finalizer(ctx context.Context, key types.NamespacedName, used bool) error {
	const finalizer = gatewayv1.GatewayClassFinalizerGatewaysExist
	class := &gatewayv1.GatewayClass{}
	if err := w.cached.Get(ctx, key, class); err != nil {
		return client.IgnoreNotFound(err)
	}
	has := slices.Contains(class.Finalizers, finalizer)
	if has == used || used && !class.DeletionTimestamp.IsZero() {
		return nil
	}
	changed := class.DeepCopy()
	if used {
		changed.Finalizers = append(changed.Finalizers, finalizer)
	} else {
		changed.Finalizers = slices.DeleteFunc(changed.Finalizers, func(f string) bool { return f == finalizer })
	}
	patch := client.MergeFromWithOptions(class, client.MergeFromWithOptimisticLock{})
	if err := w.writer.Patch(ctx, changed, patch, owner); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the finalizer of GatewayClass %s: %w", key.Name, err)
	}
	return nil
}
