package status

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// parentNotProgrammed is a reason that the API names in the documentation of
// the condition, and has no constant for.
const parentNotProgrammed = "ParentNotProgrammed"

func listenerSet(set *graph.ListenerSet, s snapshot.Snapshot) ListenerSet {
	o := observe(set.Gateway, s).asItServesSets()
	generation := set.Source.Generation
	out := ListenerSet{Key: set.Key(), Gateway: set.Gateway.Key(), Status: gatewayv1.ListenerSetStatus{Conditions: []metav1.Condition{
		condition(string(gatewayv1.ListenerSetConditionAccepted), set.Accepted, generation),
		condition(string(gatewayv1.ListenerSetConditionProgrammed), o.setProgrammed(set), generation),
	}}}
	for _, l := range set.Listeners {
		programmed := o.entryProgrammed(set, l)
		out.Status.Listeners = append(out.Status.Listeners, gatewayv1.ListenerEntryStatus{
			Name:           l.Source.Name,
			SupportedKinds: l.SupportedKinds,
			AttachedRoutes: l.AttachedRoutes,
			Conditions: []metav1.Condition{
				condition(string(gatewayv1.ListenerEntryConditionAccepted), l.Accepted, generation),
				condition(string(gatewayv1.ListenerEntryConditionProgrammed), programmed, generation),
				condition(string(gatewayv1.ListenerEntryConditionResolvedRefs), l.ResolvedRefs, generation),
				condition(string(gatewayv1.ListenerEntryConditionConflicted), l.Conflicted, generation),
			},
		})
	}
	return out
}

// asItServesSets takes a generation of the Gateway that nginx is about to take
// over for taken over: what it serves of ListenerSets goes on meanwhile, and
// missingGeneration asks for each set. Else all sets would be told to be down for
// a moment whenever someone edits the Gateway.
func (o observed) asItServesSets() observed {
	if o.plane.Ready > 0 && o.plane.Refused == nil {
		o.plane.Generation = max(o.plane.Generation, o.Source.Generation)
	}
	return o
}

// entryProgrammed is what listenerProgrammed is for a Gateway's own listener.
func (o observed) entryProgrammed(set *graph.ListenerSet, l *graph.Listener) graph.Verdict {
	programmed := o.listenerProgrammed(l)
	switch reason, message := o.missingGeneration(set); {
	case l.Conflicted.True:
		programmed.Reason = l.Conflicted.Reason
	case l.Serves() && !o.Accepted.True:
		programmed.Message = set.Accepted.Message
	case programmed.True && reason != "":
		programmed = graph.Verdict{Reason: reason, Message: message}
	}
	return programmed
}

// setProgrammed asks for the Gateway first, and then for the set's own
// listeners. Of the Gateway only the reason is told: its details are for those
// who may read it (GEP-1713).
func (o observed) setProgrammed(set *graph.ListenerSet) graph.Verdict {
	if !set.Accepted.True {
		reason := set.Accepted.Reason
		if reason == string(gatewayv1.ListenerSetReasonParentNotAccepted) {
			reason = parentNotProgrammed
		}
		return graph.Verdict{Reason: reason, Message: "The ListenerSet is not accepted: " + set.Accepted.Message}
	}
	if !slices.ContainsFunc(set.Listeners, (*graph.Listener).Serves) {
		var why []string
		for _, l := range set.Listeners {
			why = append(why, fmt.Sprintf("listener %q: %s", l.Source.Name, obstacle(l)))
		}
		return graph.Verdict{
			Reason: string(gatewayv1.ListenerSetReasonListenersNotValid), Message: "No listener can serve: " + strings.Join(why, "; "),
		}
	}
	if parent := o.programmed(); !parent.True {
		return graph.Verdict{
			Reason: parentNotProgrammed, Message: fmt.Sprintf("Gateway %s is not programmed (%s)", o.Key(), parent.Reason),
		}
	}
	if reason, message := o.missingGeneration(set); reason != "" {
		return graph.Verdict{Reason: reason, Message: message}
	}
	return graph.Verdict{
		True: true, Reason: string(gatewayv1.ListenerSetReasonProgrammed), Message: "nginx serves the ListenerSet",
	}
}

// missingGeneration tells that some pod does not serve this generation of the
// set yet.
func (o observed) missingGeneration(set *graph.ListenerSet) (reason, message string) {
	if served, ok := o.plane.ListenerSets[set.Incarnation()]; ok && served >= set.Source.Generation {
		return "", ""
	}
	if o.plane.Refused != nil {
		return string(gatewayv1.ListenerSetReasonInvalid), "nginx refused the configuration with this generation of the ListenerSet, and serves without it"
	}
	return string(gatewayv1.ListenerSetReasonPending), "Waiting for nginx to take over this generation of the ListenerSet"
}
