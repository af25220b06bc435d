package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

func (o observed) listener(l *graph.Listener) gatewayv1.ListenerStatus {
	return gatewayv1.ListenerStatus{
		Name:           l.Source.Name,
		SupportedKinds: l.SupportedKinds,
		AttachedRoutes: l.AttachedRoutes,
		Conditions: []metav1.Condition{
			condition(string(gatewayv1.ListenerConditionAccepted), l.Accepted, o.Source.Generation),
			condition(string(gatewayv1.ListenerConditionProgrammed), o.listenerProgrammed(l), o.Source.Generation),
			condition(string(gatewayv1.ListenerConditionResolvedRefs), l.ResolvedRefs, o.Source.Generation),
			condition(string(gatewayv1.ListenerConditionConflicted), l.Conflicted, o.Source.Generation),
		},
	}
}

// listenerProgrammed does not ask for an address, which is the Gateway's.
func (o observed) listenerProgrammed(l *graph.Listener) graph.Verdict {
	if !l.Serves() {
		return graph.Verdict{Reason: string(gatewayv1.ListenerReasonInvalid), Message: obstacle(l)}
	}
	if !o.Accepted.True {
		return graph.Verdict{
			Reason: string(gatewayv1.ListenerReasonInvalid), Message: "The Gateway is not accepted: " + o.Accepted.Message,
		}
	}
	if reason, message := o.missingPods(); reason != "" {
		return graph.Verdict{Reason: string(reason), Message: message}
	}
	return graph.Verdict{
		True: true, Reason: string(gatewayv1.ListenerReasonProgrammed), Message: "nginx serves the listener",
	}
}

// obstacle says why a listener cannot serve.
func obstacle(l *graph.Listener) string {
	if !l.Accepted.True {
		return l.Accepted.Message
	}
	return l.ResolvedRefs.Message
}
