package operator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

func ancestor(controller, gateway string, conditions ...metav1.Condition) gatewayv1.PolicyAncestorStatus {
	return gatewayv1.PolicyAncestorStatus{
		AncestorRef:    gatewayv1.ParentReference{Name: gatewayv1.ObjectName(gateway)},
		ControllerName: gatewayv1.GatewayController(controller),
		Conditions:     conditions,
	}
}

func tlsPolicy(ancestors ...gatewayv1.PolicyAncestorStatus) *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: webKey.Namespace, Name: webKey.Name}}
	p.Status.Ancestors = ancestors
	return p
}

func TestBackendTLSPolicyStatus(t *testing.T) {
	t.Parallel()
	foreign := ancestor(theirs, "edge", accepted(morning))
	resolved := func(at time.Time) metav1.Condition {
		return condition("ResolvedRefs", metav1.ConditionTrue, "ResolvedRefs", at)
	}
	tests := map[string]struct {
		live, wanted, after []gatewayv1.PolicyAncestorStatus
		writes              int
	}{
		"the first word is said beside others'": {
			live:   []gatewayv1.PolicyAncestorStatus{foreign},
			wanted: []gatewayv1.PolicyAncestorStatus{ancestor(v1alpha1.ControllerName, "home", accepted(time.Time{}), resolved(time.Time{}))},
			after:  []gatewayv1.PolicyAncestorStatus{foreign, ancestor(v1alpha1.ControllerName, "home", accepted(noon), resolved(noon))},
			writes: 1,
		},
		"what says the same is not written": {
			live:   []gatewayv1.PolicyAncestorStatus{ancestor(v1alpha1.ControllerName, "home", accepted(morning), resolved(morning))},
			wanted: []gatewayv1.PolicyAncestorStatus{ancestor(v1alpha1.ControllerName, "home", accepted(time.Time{}), resolved(time.Time{}))},
			after:  []gatewayv1.PolicyAncestorStatus{ancestor(v1alpha1.ControllerName, "home", accepted(morning), resolved(morning))},
		},
		"a policy that has nothing to do with us any more loses our entries alone": {
			live:   []gatewayv1.PolicyAncestorStatus{ancestor(v1alpha1.ControllerName, "home", accepted(morning)), foreign},
			after:  []gatewayv1.PolicyAncestorStatus{foreign},
			writes: 1,
		},
		"a policy of others is left alone": {
			live:  []gatewayv1.PolicyAncestorStatus{foreign},
			after: []gatewayv1.PolicyAncestorStatus{foreign},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := tlsPolicy(test.live...)
			f := newFakeCluster(t, live)
			var statuses status.Statuses
			if test.wanted != nil {
				statuses.BackendTLSPolicies = []status.Policy{{Key: webKey, Ancestors: test.wanted}}
			}
			work := newStatusWork(snapshot.Snapshot{BackendTLSPolicies: snapshot.SetOf(live)}, statuses, nil)
			if err := writer(f).write(t.Context(), work); err != nil {
				t.Fatal(err)
			}
			got := &gatewayv1.BackendTLSPolicy{}
			f.get(t, webKey, got)
			if diff := cmp.Diff(test.after, got.Status.Ancestors); diff != "" {
				t.Errorf("status.ancestors (-want +got):\n%s", diff)
			}
			if writes := f.written(); len(writes) != test.writes {
				t.Errorf("writes: %v, want %d", writes, test.writes)
			}
		})
	}
}

func TestAPolicyWhoseStatusSomeoneElseClearsIsCompiledAnew(t *testing.T) {
	t.Parallel()
	foreign, own := ancestor(theirs, "edge"), ancestor(v1alpha1.ControllerName, "home")
	for name, test := range map[string]struct {
		before, after *gatewayv1.BackendTLSPolicy
		want          bool
	}{
		"our word is gone":         {tlsPolicy(foreign, own), tlsPolicy(foreign), true},
		"our word is there":        {tlsPolicy(foreign), tlsPolicy(foreign, own), false},
		"others say something":     {tlsPolicy(own), tlsPolicy(foreign, own), false},
		"nobody says anything new": {tlsPolicy(foreign, own), tlsPolicy(foreign, own), false},
	} {
		if got := backendTLSPolicyChanged(test.before, test.after); got != test.want {
			t.Errorf("%s: changed is %v", name, got)
		}
	}
}
