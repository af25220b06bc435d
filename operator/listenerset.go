package operator

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

var listenerSetConditions = []string{
	string(gatewayv1.ListenerSetConditionAccepted), string(gatewayv1.ListenerSetConditionProgrammed),
}

func (w *statusWriter) listenerSet(ctx context.Context, set status.ListenerSet) error {
	written, err := update(ctx, w, set.Key, changed(func(o *gatewayv1.ListenerSet) {
		o.Status.Conditions = merge(o.Status.Conditions, set.Status.Conditions, listenerSetConditions, w.time())
		o.Status.Listeners = mergeEntries(o.Status.Listeners, set.Status.Listeners, w.time())
	}))
	if written.after != nil {
		w.events.listenerSet(written.before, written.after)
	}
	return err
}

// mergeEntries does for a ListenerSet what mergeListeners does for a Gateway.
func mergeEntries(live, wanted []gatewayv1.ListenerEntryStatus, now metav1.Time) []gatewayv1.ListenerEntryStatus {
	var out []gatewayv1.ListenerEntryStatus
	for _, l := range wanted {
		var before []metav1.Condition
		for i := range live {
			if live[i].Name == l.Name {
				before = live[i].Conditions
			}
		}
		l.Conditions = merge(before, l.Conditions, listenerConditions, now)
		out = append(out, l)
	}
	return out
}

// orphans are ListenerSets whose Gateway is gone, and that still say that it
// accepts them: in our words, as the status of a ListenerSet does not say whose
// it is.
func orphans(s snapshot.Snapshot) []status.ListenerSet {
	var out []status.ListenerSet
	for _, set := range s.ListenerSets.All() {
		parent, ok := graph.SetParent(set)
		if _, exists := s.Gateways.Get(parent.Namespace, parent.Name); !ok || exists {
			continue
		}
		accepted := find(set.Status.Conditions, string(gatewayv1.ListenerSetConditionAccepted))
		if accepted == nil || !strings.HasPrefix(accepted.Message, graph.ListenerSetAccepted) {
			continue
		}
		orphan := status.ListenerSet{Key: snapshot.KeyOf(set), Gateway: parent}
		for _, kind := range listenerSetConditions {
			orphan.Status.Conditions = append(orphan.Status.Conditions, metav1.Condition{
				Type: kind, Status: metav1.ConditionUnknown, ObservedGeneration: set.Generation,
				Reason: string(gatewayv1.ListenerSetReasonPending), Message: fmt.Sprintf("Gateway %s does not exist", parent),
			})
		}
		out = append(out, orphan)
	}
	return out
}

func (t transitions) listenerSet(before, after *gatewayv1.ListenerSet) {
	for _, kind := range listenerSetConditions {
		t.turn(after, find(before.Status.Conditions, kind), find(after.Status.Conditions, kind))
	}
}
