package operator

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

var (
	morning = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	noon    = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	webKey  = types.NamespacedName{Namespace: "blog", Name: "web"}
)

func writer(f *fakeCluster) *statusWriter {
	return &statusWriter{cluster: f.cluster, now: func() time.Time { return noon }}
}

func condition(kind string, state metav1.ConditionStatus, reason string, at time.Time) metav1.Condition {
	return metav1.Condition{Type: kind, Status: state, Reason: reason, LastTransitionTime: metav1.NewTime(at)}
}

func accepted(at time.Time) metav1.Condition {
	return condition("Accepted", metav1.ConditionTrue, "Accepted", at)
}

func parent(controller, gateway string, conditions ...metav1.Condition) gatewayv1.RouteParentStatus {
	return gatewayv1.RouteParentStatus{
		ParentRef:      gatewayv1.ParentReference{Name: gatewayv1.ObjectName(gateway)},
		ControllerName: gatewayv1.GatewayController(controller),
		Conditions:     conditions,
	}
}

func route(parents ...gatewayv1.RouteParentStatus) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: webKey.Namespace, Name: webKey.Name}}
	r.Status.Parents = parents
	return r
}

const theirs = "example.org/controller"

func TestRouteStatus(t *testing.T) {
	t.Parallel()
	foreign := parent(theirs, "edge", accepted(morning))
	addOn := condition("example.org/Scanned", metav1.ConditionTrue, "Clean", morning)
	tests := map[string]struct {
		live   []gatewayv1.RouteParentStatus
		wanted []gatewayv1.RouteParentStatus
		after  []gatewayv1.RouteParentStatus
		writes int
	}{
		"the first word has a time": {
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(noon))},
			writes: 1,
		},
		"what says the same is not written": {
			live:   []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning))},
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning))},
		},
		"others' parents stay as they are": {
			live:   []gatewayv1.RouteParentStatus{foreign, parent(v1alpha1.ControllerName, "gone", accepted(morning))},
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{foreign, parent(v1alpha1.ControllerName, "home", accepted(noon))},
			writes: 1,
		},
		"each entry stays in its place": {
			live:   []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning)), foreign},
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "new", accepted(time.Time{})), parent(v1alpha1.ControllerName, "home", accepted(time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning)), foreign, parent(v1alpha1.ControllerName, "new", accepted(noon))},
			writes: 1,
		},
		"of two entries for one parent one stays": {
			live:   []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning)), parent(v1alpha1.ControllerName, "home")},
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning))},
			writes: 1,
		},
		"others' conditions in our entry stay": {
			live:   []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", addOn, accepted(morning))},
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", condition("Accepted", metav1.ConditionFalse, "NotAllowedByListeners", time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", addOn, condition("Accepted", metav1.ConditionFalse, "NotAllowedByListeners", noon))},
			writes: 1,
		},
		"a condition of ours that no longer holds goes": {
			live:   []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning), condition("PartiallyInvalid", metav1.ConditionTrue, "x", morning))},
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning))},
			writes: 1,
		},
		"another reason keeps the time of the status": {
			live:   []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", condition("ResolvedRefs", metav1.ConditionFalse, "BackendNotFound", morning))},
			wanted: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", condition("ResolvedRefs", metav1.ConditionFalse, "RefNotPermitted", time.Time{}))},
			after:  []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", condition("ResolvedRefs", metav1.ConditionFalse, "RefNotPermitted", morning))},
			writes: 1,
		},
		"a route that has left us loses our entries alone": {
			live:   []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(morning)), foreign},
			after:  []gatewayv1.RouteParentStatus{foreign},
			writes: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := route(test.live...)
			f := newFakeCluster(t, live)
			var statuses status.Statuses
			if test.wanted != nil {
				statuses.Routes = []status.Route{{Key: routeKey(webKey.Namespace, webKey.Name), Parents: test.wanted}}
			}
			work := newStatusWork(snapshot.Snapshot{HTTPRoutes: snapshot.SetOf(live)}, statuses, nil)
			if err := writer(f).write(t.Context(), work); err != nil {
				t.Fatal(err)
			}
			got := &gatewayv1.HTTPRoute{}
			f.get(t, webKey, got)
			if diff := cmp.Diff(test.after, got.Status.Parents); diff != "" {
				t.Errorf("status.parents (-want +got):\n%s", diff)
			}
			if writes := f.written(); len(writes) != test.writes {
				t.Errorf("writes: %v, want %d", writes, test.writes)
			}
		})
	}
}

func TestAStatusThatSomeoneElseWritesMeanwhileIsMergedAnew(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, route())
	f.before = func() {
		f.before = nil
		live := &gatewayv1.HTTPRoute{}
		f.get(t, webKey, live)
		live.Status.Parents = append(live.Status.Parents, parent(theirs, "edge", accepted(morning)))
		if err := f.client.Status().Update(t.Context(), live); err != nil {
			t.Error(err)
		}
	}
	work := statusWork{statuses: status.Statuses{Routes: []status.Route{{
		Key: routeKey(webKey.Namespace, webKey.Name), Parents: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(time.Time{}))},
	}}}}
	if err := writer(f).write(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	got := &gatewayv1.HTTPRoute{}
	f.get(t, webKey, got)
	want := []gatewayv1.RouteParentStatus{parent(theirs, "edge", accepted(morning)), parent(v1alpha1.ControllerName, "home", accepted(noon))}
	if diff := cmp.Diff(want, got.Status.Parents); diff != "" {
		t.Errorf("status.parents (-want +got):\n%s", diff)
	}
}

// lateCache holds what was there when it was last brought up to date.
type lateCache struct {
	client.Reader
	route *gatewayv1.HTTPRoute
}

func (c lateCache) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	c.route.DeepCopyInto(into.(*gatewayv1.HTTPRoute))
	return nil
}

func TestAStatusGoesBackThoughTheCacheHasNotSeenItGo(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, route(parent(v1alpha1.ControllerName, "home", accepted(morning))))
	before := &gatewayv1.HTTPRoute{}
	f.get(t, webKey, before)
	w := writer(f)
	w.cached = lateCache{route: before}
	refused := condition("Accepted", metav1.ConditionFalse, "NoMatchingParent", time.Time{})
	for _, wanted := range []metav1.Condition{refused, accepted(time.Time{})} {
		work := statusWork{statuses: status.Statuses{Routes: []status.Route{{
			Key: routeKey(webKey.Namespace, webKey.Name), Parents: []gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", wanted)},
		}}}}
		if err := w.write(t.Context(), work); err != nil {
			t.Fatal(err)
		}
	}
	got := &gatewayv1.HTTPRoute{}
	f.get(t, webKey, got)
	if diff := cmp.Diff([]gatewayv1.RouteParentStatus{parent(v1alpha1.ControllerName, "home", accepted(noon))}, got.Status.Parents); diff != "" {
		t.Errorf("status.parents (-want +got):\n%s", diff)
	}
	if writes := f.written(); len(writes) != 2 {
		t.Errorf("writes: %v, want one there and one back", writes)
	}

	// A cache that has caught up is believed again.
	w.cached = lateCache{route: got}
	w.live = nil
	work := statusWork{statuses: status.Statuses{Routes: []status.Route{{Key: routeKey(webKey.Namespace, webKey.Name), Parents: got.Status.Parents}}}}
	if err := w.write(t.Context(), work); err != nil {
		t.Fatal(err)
	}
}

func TestGatewayStatusKeepsWhatOthersSay(t *testing.T) {
	t.Parallel()
	foreign := condition("example.org/Certificates", metav1.ConditionTrue, "Fresh", morning)
	live := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "home"}}
	live.Status.Conditions = []metav1.Condition{foreign, condition("Programmed", metav1.ConditionUnknown, "Pending", time.Unix(0, 0))}
	live.Status.Listeners = []gatewayv1.ListenerStatus{
		{Name: "old", SupportedKinds: []gatewayv1.RouteGroupKind{}, Conditions: []metav1.Condition{accepted(morning)}},
		{Name: "web", SupportedKinds: []gatewayv1.RouteGroupKind{}, Conditions: []metav1.Condition{accepted(morning)}},
	}
	f := newFakeCluster(t, live)
	wanted := status.Gateway{Key: homeKey}
	wanted.Status.Conditions = []metav1.Condition{condition("Programmed", metav1.ConditionTrue, "Programmed", time.Time{})}
	wanted.Status.Listeners = []gatewayv1.ListenerStatus{
		{Name: "web", SupportedKinds: []gatewayv1.RouteGroupKind{}, Conditions: []metav1.Condition{accepted(time.Time{})}},
	}
	recorder := events.NewFakeRecorder(10)
	w := writer(f)
	w.events = transitions{recorder: recorder}
	for range 2 {
		if err := w.write(t.Context(), statusWork{statuses: status.Statuses{Gateways: []status.Gateway{wanted}}}); err != nil {
			t.Fatal(err)
		}
	}
	got := &gatewayv1.Gateway{}
	f.get(t, homeKey, got)
	if diff := cmp.Diff([]metav1.Condition{foreign, condition("Programmed", metav1.ConditionTrue, "Programmed", noon)}, got.Status.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(live.Status.Listeners[1:], got.Status.Listeners); diff != "" {
		t.Errorf("listeners (-want +got):\n%s", diff)
	}
	if writes := f.written(); len(writes) != 1 {
		t.Errorf("writes: %v, want one for two rounds", writes)
	}
	if len(recorder.Events) != 1 {
		t.Errorf("%d events, want one for becoming programmed", len(recorder.Events))
	}
}

func TestAGatewayOfWhichTooLittleIsKnownIsLeftAlone(t *testing.T) {
	t.Parallel()
	statuses := status.Statuses{Gateways: []status.Gateway{{Key: homeKey}, {Key: webKey}}}
	work := newStatusWork(snapshot.Snapshot{}, statuses, func(key types.NamespacedName) bool { return key == webKey })
	if diff := cmp.Diff([]status.Gateway{{Key: webKey}}, work.statuses.Gateways); diff != "" {
		t.Errorf("to write (-want +got):\n%s", diff)
	}
}

func TestAClassCarriesTheFinalizerWhileUsed(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "gatewright", Finalizers: []string{"example.org/keep"}}})
	for _, test := range []struct {
		used bool
		want []string
	}{
		{true, []string{"example.org/keep", gatewayv1.GatewayClassFinalizerGatewaysExist}},
		{true, []string{"example.org/keep", gatewayv1.GatewayClassFinalizerGatewaysExist}},
		{false, []string{"example.org/keep"}},
	} {
		work := statusWork{statuses: status.Statuses{Classes: []status.Class{{Name: "gatewright", Used: test.used}}}}
		if err := writer(f).write(t.Context(), work); err != nil {
			t.Fatal(err)
		}
		got := &gatewayv1.GatewayClass{}
		f.get(t, client.ObjectKey{Name: "gatewright"}, got)
		if diff := cmp.Diff(test.want, got.Finalizers); diff != "" {
			t.Errorf("used: %v: finalizers (-want +got):\n%s", test.used, diff)
		}
	}
	if writes := f.written(); len(writes) != 2 {
		t.Errorf("writes: %v, want one for each change", writes)
	}
}
