package snapshot_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// with returns an empty snapshot but for something in the field of that index.
func with(t *testing.T, field int) snapshot.Snapshot {
	t.Helper()
	var s snapshot.Snapshot
	value := reflect.ValueOf(&s).Elem().Field(field)
	all := value.MethodByName("All")
	switch {
	case all.IsValid():
		o, ok := reflect.New(all.Type().Out(0).Elem().Elem()).Interface().(metav1.Object)
		if !ok {
			t.Fatalf("a set of %s", all.Type())
		}
		o.SetName("x")
		return s.With(o)
	case value.Kind() == reflect.Bool:
		value.SetBool(true)
	case value.Kind() == reflect.Map:
		value.Set(reflect.MakeMap(value.Type()))
		value.SetMapIndex(reflect.Zero(value.Type().Key()), reflect.Zero(value.Type().Elem()))
	default:
		value.Set(reflect.New(value.Type().Elem()))
	}
	return s
}

func TestAChangeOfAnythingIsSeen(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[snapshot.Snapshot]().NumField() {
		name := reflect.TypeFor[snapshot.Snapshot]().Field(i).Name
		s := with(t, i)
		for way, c := range map[string]snapshot.Change{"comes": s.Since(snapshot.Snapshot{}), "goes": snapshot.Snapshot{}.Since(s)} {
			if seen := !c.IsNone() || c.DataPlanes; !seen {
				t.Errorf("nothing differs although something in %s %s", name, way)
			}
		}
		if c := s.Since(s); !c.IsNone() || c.DataPlanes {
			t.Errorf("a snapshot with something in %s differs from itself: %+v", name, c)
		}
	}
}

func TestAWriteIsAChangeUnlessItIsOfTheStatus(t *testing.T) {
	t.Parallel()
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{
		Namespace: "a", Name: "x", UID: "1", ResourceVersion: "1", Generation: 1, Labels: map[string]string{"color": "red"},
	}}
	for name, test := range map[string]struct {
		write   func(*gatewayv1.HTTPRoute)
		changed bool
	}{
		"nothing":                         {func(*gatewayv1.HTTPRoute) {}, false},
		"status":                          {func(r *gatewayv1.HTTPRoute) { r.ResourceVersion = "2" }, false},
		"spec":                            {func(r *gatewayv1.HTTPRoute) { r.ResourceVersion, r.Generation = "2", 2 }, true},
		"labels":                          {func(r *gatewayv1.HTTPRoute) { r.ResourceVersion, r.Labels = "2", nil }, true},
		"annotations":                     {func(r *gatewayv1.HTTPRoute) { r.ResourceVersion, r.Annotations = "2", map[string]string{"a": "b"} }, true},
		"request to delete":               {func(r *gatewayv1.HTTPRoute) { r.ResourceVersion, r.DeletionTimestamp = "2", new(metav1.Now()) }, true},
		"another one of that name":        {func(r *gatewayv1.HTTPRoute) { r.UID = "2" }, true},
		"one that no API server has seen": {func(r *gatewayv1.HTTPRoute) { r.UID, r.ResourceVersion, r.Generation = "", "", 0 }, true},
	} {
		after := route.DeepCopy()
		test.write(after)
		c := (snapshot.Snapshot{}).With(after).Since((snapshot.Snapshot{}).With(route))
		want := map[snapshot.RouteKey]bool{}
		if test.changed {
			want[snapshot.RouteKey{Kind: "HTTPRoute", NamespacedName: types.NamespacedName{Namespace: "a", Name: "x"}}] = true
		}
		if diff := cmp.Diff(snapshot.Change{Routes: want, Services: map[types.NamespacedName]bool{}}, c); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
