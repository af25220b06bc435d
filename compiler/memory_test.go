package compiler_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/bench/control/workload"
	"github.com/gatewright/gatewright/test/corpus"
)

// world is a snapshot that changes as objects do in an API server: each write gives
// the object a new resource version, and one of more than its status a new
// generation.
type world struct {
	*rand.Rand
	snapshot snapshot.Snapshot
	// here are the objects that there are, away those that were deleted.
	here, away []metav1.Object
	writes     int
}

func newWorld(s snapshot.Snapshot, seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 3)), snapshot: s}
	for _, o := range objectsOf(s) {
		w.here = append(w.here, o)
		w.write(len(w.here)-1, func(o metav1.Object) { o.SetUID(types.UID(fmt.Sprintf("%T %s", o, snapshot.KeyOf(o)))); bump(o) })
	}
	return w
}

// objectsOf returns all objects of the snapshot, by kind and key.
func objectsOf(s snapshot.Snapshot) []metav1.Object {
	var all []metav1.Object
	for _, field := range reflect.ValueOf(s).Fields() {
		method := field.MethodByName("All")
		if !method.IsValid() {
			continue
		}
		for _, o := range method.Call(nil)[0].Seq2() {
			all = append(all, o.Interface().(metav1.Object))
		}
	}
	return all
}

func bump(o metav1.Object) { o.SetGeneration(o.GetGeneration() + 1) }

// write replaces an object by a changed copy.
func (w *world) write(at int, change func(metav1.Object)) {
	o := w.here[at].(runtime.Object).DeepCopyObject().(metav1.Object)
	change(o)
	w.writes++
	o.SetResourceVersion(fmt.Sprint(w.writes))
	w.here[at], w.snapshot = o, w.snapshot.With(o)
}

// step changes something, and says what.
func (w *world) step() string {
	if len(w.away) > 0 && w.IntN(6) == 0 {
		return w.restore()
	}
	if len(w.here) == 0 {
		return "nothing"
	}
	at := w.any()
	o := w.here[at]
	name := fmt.Sprintf("%T %s", o, snapshot.KeyOf(o))
	switch w.IntN(8) {
	case 0:
		w.away, w.here = append(w.away, o), append(w.here[:at:at], w.here[at+1:]...)
		w.snapshot = w.snapshot.Without(o)
		return "delete " + name
	case 1:
		w.write(at, func(metav1.Object) {})
		return "write the status of " + name
	case 2:
		w.write(at, func(o metav1.Object) {
			labels := maps.Clone(o.GetLabels())
			if labels == nil {
				labels = map[string]string{}
			}
			labels["color"] = fmt.Sprint(w.IntN(3))
			o.SetLabels(labels)
		})
		return "label " + name
	case 3:
		w.report()
		return "hear of data planes"
	}
	w.write(at, func(o metav1.Object) { bump(o); w.edit(o) })
	return "edit " + name
}

// any returns the index of an object: all kinds are as likely, however many there are
// of each.
func (w *world) any() int {
	byKind := map[string][]int{}
	for i, o := range w.here {
		kind := fmt.Sprintf("%T", o)
		byKind[kind] = append(byKind[kind], i)
	}
	kinds := slices.Sorted(maps.Keys(byKind))
	of := byKind[kinds[w.IntN(len(kinds))]]
	return of[w.IntN(len(of))]
}

// restore makes a deleted object again, which is another one with that name.
func (w *world) restore() string {
	at := w.IntN(len(w.away))
	o := w.away[at]
	w.away, w.here = append(w.away[:at:at], w.away[at+1:]...), append(w.here, o)
	w.write(len(w.here)-1, func(o metav1.Object) { o.SetUID(types.UID(fmt.Sprintf("%T %d", o, w.writes))) })
	return fmt.Sprintf("make %T %s again", o, snapshot.KeyOf(o))
}

func (w *world) report() {
	planes := maps.Clone(w.snapshot.DataPlanes)
	if planes == nil {
		planes = map[types.NamespacedName]snapshot.DataPlane{}
	}
	for _, g := range w.snapshot.Gateways.All() {
		planes[snapshot.KeyOf(g)] = snapshot.DataPlane{Ready: w.IntN(3), Generation: g.Generation - int64(w.IntN(2))}
	}
	w.snapshot.DataPlanes = planes
}

// edit changes what the object says. Of kinds that it does not know, it only looks
// as if something had changed.
func (w *world) edit(o metav1.Object) {
	switch o := o.(type) {
	case *gatewayv1.HTTPRoute:
		w.editRoute(&o.Spec)
	case *gatewayv1.GRPCRoute:
		o.Spec.Hostnames = w.hostnames()
	case *gatewayv1.Gateway:
		l := &o.Spec.Listeners[w.IntN(len(o.Spec.Listeners))]
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{
			From: new([]gatewayv1.FromNamespaces{gatewayv1.NamespacesFromAll, gatewayv1.NamespacesFromSame}[w.IntN(2)]),
		}}
	case *corev1.Service:
		if len(o.Spec.Ports) > 0 {
			o.Spec.Ports[w.IntN(len(o.Spec.Ports))].AppProtocol = new([]string{"http", "https", "kubernetes.io/h2c", "smtp"}[w.IntN(4)])
		}
	case *discoveryv1.EndpointSlice:
		o.Endpoints = nil
		for range w.IntN(3) {
			o.Endpoints = append(o.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.9.0.%d", w.IntN(250))}})
		}
	}
}

func (w *world) editRoute(spec *gatewayv1.HTTPRouteSpec) {
	if w.IntN(4) == 0 || len(spec.Rules) == 0 {
		spec.Hostnames = w.hostnames()
		return
	}
	rule := &spec.Rules[w.IntN(len(spec.Rules))]
	switch w.IntN(4) {
	case 0:
		rule.Filters = append(rule.Filters, gatewayv1.HTTPRouteFilter{
			Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier,
			RequestHeaderModifier: &gatewayv1.HTTPHeaderFilter{
				Set: []gatewayv1.HTTPHeader{{Name: "Edited", Value: fmt.Sprint(w.IntN(3))}},
			},
		})
	case 1:
		rule.Timeouts = &gatewayv1.HTTPRouteTimeouts{Request: new(gatewayv1.Duration([]string{"0s", "3s", "soon"}[w.IntN(3)]))}
	case 2:
		if len(rule.BackendRefs) > 0 {
			rule.BackendRefs[0].Weight = new(int32(w.IntN(3)))
		}
	case 3:
		rule.Matches = []gatewayv1.HTTPRouteMatch{{Method: new([]gatewayv1.HTTPMethod{"GET", "POST"}[w.IntN(2)])}}
	}
}

func (w *world) hostnames() []gatewayv1.Hostname {
	var names []gatewayv1.Hostname
	for range w.IntN(3) {
		names = append(names, []gatewayv1.Hostname{"a.example.com", "*.example.com", "b.example.net", "no hostname"}[w.IntN(4)])
	}
	return names
}

// compareMemory changes the world step by step, and compares what is compiled with
// what is remembered to what is compiled from scratch.
func compareMemory(t *testing.T, what string, s snapshot.Snapshot, seed uint64) {
	t.Helper()
	w := newWorld(s, seed)
	var memory *compiler.Memory
	var told []string
	for range 12 {
		var got compiler.Result
		got, memory = memory.Run(w.snapshot, options)
		if want := compiler.Run(w.snapshot, options); !reflect.DeepEqual(want, got) {
			t.Fatalf("%s, seed %d: after %q, what is remembered makes another result (-from scratch +got):\n%s", what, seed, told, cmp.Diff(want, got))
		}
		told = append(told, w.step())
	}
}

func TestWhatIsRememberedChangesNoResult(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		compareMemory(t, "random routes", randomRoutes(seed), seed)
	}
}

func TestWhatIsRememberedChangesNoResultOfAnyCase(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../test/cases/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		s, err := corpus.ReadCase(path)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(4) {
			compareMemory(t, path, s, seed)
		}
	}
}

// Not parallel: it counts allocations.
func TestAChangeOfOneRouteIsAllThatIsCompiled(t *testing.T) {
	const routes = 200
	s := workload.Snapshot(routes)
	_, memory := (*compiler.Memory)(nil).Run(s, options)
	scratch := testing.AllocsPerRun(3, func() { compiler.Run(s, options) })
	revision := 0
	after := testing.AllocsPerRun(3, func() {
		revision++
		_, memory = memory.Run(s.With(workload.Changed(0, revision)), options)
	})
	idle := testing.AllocsPerRun(3, func() { _, memory = memory.Run(s.With(workload.Changed(0, revision)), options) })
	if after > scratch/3 || idle > scratch/20 {
		t.Errorf("from scratch there are %.0f allocations, after a change of one of %d routes %.0f, without one %.0f", scratch, routes, after, idle)
	}
}
