package operator

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

func (w *statusWriter) backendTLSPolicy(ctx context.Context, p status.Policy) error {
	_, err := update(ctx, w, p.Key, changed(func(o *gatewayv1.BackendTLSPolicy) {
		o.Status.Ancestors = mergeAncestors(o.Status.Ancestors, p.Ancestors, w.time())
	}))
	return err
}

// staleBackendTLSPolicies have our word in their status and no longer to do with
// us. Others' words stay.
func staleBackendTLSPolicies(s snapshot.Snapshot, statuses status.Statuses) []status.Policy {
	current := map[types.NamespacedName]bool{}
	for _, p := range statuses.BackendTLSPolicies {
		current[p.Key] = true
	}
	var stale []status.Policy
	for _, p := range s.BackendTLSPolicies.All() {
		if key := snapshot.KeyOf(p); !current[key] && slices.ContainsFunc(p.Status.Ancestors, isOurAncestor) {
			stale = append(stale, status.Policy{Key: key})
		}
	}
	return stale
}

func isOurAncestor(a gatewayv1.PolicyAncestorStatus) bool {
	return a.ControllerName == v1alpha1.ControllerName
}

// backendTLSPolicyChanged sees, beyond the spec, that someone has written
// status.ancestors without our entries.
func backendTLSPolicyChanged(before, after *gatewayv1.BackendTLSPolicy) bool {
	ours := func(p *gatewayv1.BackendTLSPolicy) int {
		return len(p.Status.Ancestors) - len(slices.DeleteFunc(slices.Clone(p.Status.Ancestors), isOurAncestor))
	}
	return specChanged(before, after) || ours(after) < ours(before)
}
