package judgement

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

func TestHostsThatRoutesHaveInCommon(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		these, other []gatewayv1.Hostname
		common       bool
	}{
		"the same":                        {[]gatewayv1.Hostname{"a.example.net"}, []gatewayv1.Hostname{"A.example.net"}, true},
		"another":                         {[]gatewayv1.Hostname{"a.example.net"}, []gatewayv1.Hostname{"b.example.net"}, false},
		"one of several":                  {[]gatewayv1.Hostname{"a.example.net", "b.example.net"}, []gatewayv1.Hostname{"c.example.net", "b.example.net"}, true},
		"below a wildcard":                {[]gatewayv1.Hostname{"*.example.net"}, []gatewayv1.Hostname{"a.b.example.net"}, true},
		"not below a wildcard":            {[]gatewayv1.Hostname{"*.example.net"}, []gatewayv1.Hostname{"example.net"}, false},
		"a wildcard above":                {[]gatewayv1.Hostname{"a.b.example.net"}, []gatewayv1.Hostname{"*.example.net"}, true},
		"a wildcard of a sibling":         {[]gatewayv1.Hostname{"a.b.example.net"}, []gatewayv1.Hostname{"*.c.example.net"}, false},
		"a wildcard below a wildcard":     {[]gatewayv1.Hostname{"*.example.net"}, []gatewayv1.Hostname{"*.b.example.net"}, true},
		"a wildcard above a wildcard":     {[]gatewayv1.Hostname{"*.b.example.net"}, []gatewayv1.Hostname{"*.example.net"}, true},
		"all that the other has":          {nil, []gatewayv1.Hostname{"a.example.net"}, true},
		"all of these":                    {[]gatewayv1.Hostname{"a.example.net"}, nil, true},
		"an end that only looks the same": {[]gatewayv1.Hostname{"*.example.net"}, []gatewayv1.Hostname{"a.badexample.net"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hosts reach
			if hosts.has(snapshot.Route{Hostnames: test.other}) {
				t.Error("no route has something in common")
			}
			hosts.add(snapshot.Route{Hostnames: test.these})
			if got := hosts.has(snapshot.Route{Hostnames: test.other}); got != test.common {
				t.Errorf("in common: %v, want %v", got, test.common)
			}
		})
	}
}

// TestLongChainsOfConflictsAreJudgedTheSame has each route in the way of the
// next younger one, of the other kind, so that the oldest decides about all.
func TestLongChainsOfConflictsAreJudgedTheSame(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 2, 3, mostRounds - 1, mostRounds, mostRounds + 1, 4 * mostRounds} {
		s := snapshot.Snapshot{SecretsUnknown: true}
		class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "ours"}}
		class.Spec.ControllerName = v1alpha1.ControllerName
		gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "g1"}}
		gateway.Spec.GatewayClassName = "ours"
		gateway.Spec.Listeners = []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}
		s = s.With(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}}).With(class).With(gateway)
		for i := 1; i <= length; i++ {
			s = s.With(chained(i))
		}
		c := Change{Kind: "HTTPRoute", New: chained(0)}
		whole, narrowed := c.judge(s), Of(c, s)
		if diff := cmp.Diff(whole, narrowed); diff != "" {
			t.Errorf("%d older routes (-by the whole cluster +by what is near):\n%s", length, diff)
		}
		// It stands behind an odd number of older ones only if its neighbour stays.
		if conflicts := len(whole.Warnings) > 1; conflicts != (length%2 == 1) {
			t.Errorf("%d older routes: %v", length, whole.Warnings)
		}
	}
}

// chained has one host in common with its neighbours each; the higher the
// number, the older.
func chained(i int) metav1.Object {
	meta := metav1.ObjectMeta{Namespace: "a", Name: fmt.Sprintf("r%d", i), CreationTimestamp: metav1.NewTime(time.Unix(int64(1000-i), 0))}
	parents := gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: "g1"}}}
	hostnames := []gatewayv1.Hostname{
		gatewayv1.Hostname(fmt.Sprintf("h%d.example.net", i)), gatewayv1.Hostname(fmt.Sprintf("h%d.example.net", i+1)),
	}
	if i%2 == 0 {
		r := &gatewayv1.HTTPRoute{ObjectMeta: meta}
		r.Spec.CommonRouteSpec, r.Spec.Hostnames, r.Spec.Rules = parents, hostnames, []gatewayv1.HTTPRouteRule{{}}
		return r
	}
	r := &gatewayv1.GRPCRoute{ObjectMeta: meta}
	r.Spec.CommonRouteSpec, r.Spec.Hostnames, r.Spec.Rules = parents, hostnames, []gatewayv1.GRPCRouteRule{{}}
	return r
}
