package operator

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The condition types that are ours to write, and to take away where the
// compiler does not give them. Others' stay.
var (
	classConditions = []string{
		string(gatewayv1.GatewayClassConditionStatusAccepted), string(gatewayv1.GatewayClassConditionStatusSupportedVersion),
	}
	gatewayConditions = []string{
		string(gatewayv1.GatewayConditionAccepted), string(gatewayv1.GatewayConditionProgrammed),
		string(gatewayv1.GatewayConditionResolvedRefs),
		string(gatewayv1.GatewayConditionInsecureFrontendValidationMode),
	}
	listenerConditions = []string{
		string(gatewayv1.ListenerConditionAccepted), string(gatewayv1.ListenerConditionProgrammed),
		string(gatewayv1.ListenerConditionResolvedRefs), string(gatewayv1.ListenerConditionConflicted),
		string(gatewayv1.ListenerConditionOverlappingTLSConfig),
	}
	routeConditions = []string{
		string(gatewayv1.RouteConditionAccepted), string(gatewayv1.RouteConditionResolvedRefs),
		string(gatewayv1.RouteConditionPartiallyInvalid),
	}
	policyConditions = []string{
		string(gatewayv1.PolicyConditionAccepted), string(gatewayv1.BackendTLSPolicyConditionResolvedRefs),
	}
)

// merge returns the conditions to write: others' as they are, ours as wanted.
// One of ours that says the same as before keeps its time.
func merge(live, wanted []metav1.Condition, ours []string, now metav1.Time) []metav1.Condition {
	var out []metav1.Condition
	for _, c := range live {
		if !slices.Contains(ours, c.Type) {
			out = append(out, c)
		}
	}
	for _, c := range wanted {
		c.LastTransitionTime = now
		if before := find(live, c.Type); before != nil && before.Status == c.Status {
			c.LastTransitionTime = before.LastTransitionTime
		}
		out = append(out, c)
	}
	return out
}

func find(conditions []metav1.Condition, kind string) *metav1.Condition {
	for i := range conditions {
		if conditions[i].Type == kind {
			return &conditions[i]
		}
	}
	return nil
}

// mergeListeners writes the listeners that there are; those that are gone go.
func mergeListeners(live, wanted []gatewayv1.ListenerStatus, now metav1.Time) []gatewayv1.ListenerStatus {
	var out []gatewayv1.ListenerStatus
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
