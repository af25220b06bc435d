package operator

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

// A route that nginx refuses is searched for among those that are in the bundle.
func TestRoutesOfListenerSetsAreInTheBundleOfTheirGateway(t *testing.T) {
	t.Parallel()
	set := &gatewayv1.ListenerSet{ObjectMeta: metav1.ObjectMeta{Namespace: webKey.Namespace, Name: "shop"}}
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{Namespace: new(gatewayv1.Namespace(homeKey.Namespace)), Name: gatewayv1.ObjectName(homeKey.Name)}
	s := snapshot.Snapshot{}.With(set)
	var result compiler.Result
	for i, ref := range []gatewayv1.ParentReference{
		{Namespace: new(gatewayv1.Namespace(homeKey.Namespace)), Name: gatewayv1.ObjectName(homeKey.Name)},
		{Kind: new(gatewayv1.Kind("ListenerSet")), Name: "shop"},
		{Kind: new(gatewayv1.Kind("ListenerSet")), Namespace: new(gatewayv1.Namespace(homeKey.Namespace)), Name: gatewayv1.ObjectName(homeKey.Name)},
		{Name: "shop"},
	} {
		r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: webKey.Namespace, Name: string(rune('a' + i)), Generation: int64(i + 1)}}
		s = s.With(r)
		result.Statuses.Routes = append(result.Statuses.Routes, status.Route{
			Key: routeKey(r.Namespace, r.Name), Parents: []gatewayv1.RouteParentStatus{{ParentRef: ref}},
		})
	}
	want := generations{"HTTPRoute blog/a": 1, "HTTPRoute blog/b": 2}
	if diff := cmp.Diff(want, routesOf(homeKey, s, result)); diff != "" {
		t.Errorf("routes in the bundle (-want +got):\n%s", diff)
	}
}
