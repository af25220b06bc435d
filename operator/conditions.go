package operator

import (
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
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

// mergeParents replaces our entries of status.parents, an atomic list, and
// leaves other controllers' where they are. Without any, the list is empty: the
// API requires it, and refuses null.
func mergeParents(live, wanted []gatewayv1.RouteParentStatus, now metav1.Time) []gatewayv1.RouteParentStatus {
	out := []gatewayv1.RouteParentStatus{}
	before := map[string][]metav1.Condition{}
	for _, p := range live {
		if p.ControllerName != v1alpha1.ControllerName {
			out = append(out, p)
			continue
		}
		before[refKey(p.ParentRef)] = p.Conditions
	}
	for _, p := range wanted {
		p.Conditions = merge(before[refKey(p.ParentRef)], p.Conditions, routeConditions, now)
		out = append(out, p)
	}
	return out
}

// mergeAncestors does for a policy's status.ancestors what mergeParents does
// for a route's parents. The API allows 16 in all: others' come first.
func mergeAncestors(live, wanted []gatewayv1.PolicyAncestorStatus, now metav1.Time) []gatewayv1.PolicyAncestorStatus {
	const most = 16
	out := []gatewayv1.PolicyAncestorStatus{}
	before := map[string][]metav1.Condition{}
	for _, a := range live {
		if a.ControllerName != v1alpha1.ControllerName {
			out = append(out, a)
			continue
		}
		before[refKey(a.AncestorRef)] = a.Conditions
	}
	for _, a := range wanted {
		a.Conditions = merge(before[refKey(a.AncestorRef)], a.Conditions, policyConditions, now)
		out = append(out, a)
	}
	return out[:min(len(out), most)]
}

// refKey tells apart the references that one object can make.
func refKey(r gatewayv1.ParentReference) string {
	key := string(r.Name)
	if r.Group != nil {
		key += "|group:" + string(*r.Group)
	}
	if r.Kind != nil {
		key += "|kind:" + string(*r.Kind)
	}
	if r.Namespace != nil {
		key += "|namespace:" + string(*r.Namespace)
	}
	if r.SectionName != nil {
		key += "|section:" + string(*r.SectionName)
	}
	if r.Port != nil {
		key += "|port:" + strconv.Itoa(int(*r.Port))
	}
	return key
}
