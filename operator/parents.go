package operator

import (
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// mergeParents replaces our entries of status.parents, an atomic list, and
// leaves other controllers' as they are. Without any, the list is empty: the API
// requires it, and refuses null.
func mergeParents(live, wanted []gatewayv1.RouteParentStatus, now metav1.Time) []gatewayv1.RouteParentStatus {
	return merger[gatewayv1.RouteParentStatus]{
		most: 32, conditions: routeConditions, now: now,
		read: func(p *gatewayv1.RouteParentStatus) said { return said{p.ControllerName, p.ParentRef, &p.Conditions} },
	}.merge(live, wanted)
}

// sameParent compares field by field: there are thousands of them, at which nothing
// has changed, each time that one route has, and comparing them by reflection took
// a third of the operator's time.
func sameParent(a, b gatewayv1.RouteParentStatus) bool {
	return a.ControllerName == b.ControllerName && refKey(a.ParentRef) == refKey(b.ParentRef) &&
		slices.EqualFunc(a.Conditions, b.Conditions, sameCondition)
}

func sameCondition(a, b metav1.Condition) bool {
	return a.Type == b.Type && a.Status == b.Status && a.ObservedGeneration == b.ObservedGeneration &&
		a.LastTransitionTime.Equal(&b.LastTransitionTime) && a.Reason == b.Reason && a.Message == b.Message
}

// mergeAncestors does for a policy's status.ancestors what mergeParents does
// for a route's parents.
func mergeAncestors(live, wanted []gatewayv1.PolicyAncestorStatus, now metav1.Time) []gatewayv1.PolicyAncestorStatus {
	return merger[gatewayv1.PolicyAncestorStatus]{
		most: 16, conditions: policyConditions, now: now,
		read: func(a *gatewayv1.PolicyAncestorStatus) said {
			return said{a.ControllerName, a.AncestorRef, &a.Conditions}
		},
	}.merge(live, wanted)
}

// said is what a controller says of an object in view of one parent.
type said struct {
	controller gatewayv1.GatewayController
	ref        gatewayv1.ParentReference
	conditions *[]metav1.Condition
}

// merger merges lists of such entries.
type merger[E any] struct {
	// most is how many entries the API allows in all, whoever's they are.
	most int
	// conditions are the types that we write.
	conditions []string
	now        metav1.Time
	read       func(*E) said
}

// merge keeps every entry in its place: two controllers that each put their own
// first would write for ever. New ones of ours come last, as many as there is
// room for.
func (m merger[E]) merge(live, wanted []E) []E {
	out, missing := []E{}, slices.Clone(wanted)
	for _, entry := range live {
		before := m.read(&entry)
		if before.controller != v1alpha1.ControllerName {
			out = append(out, entry)
			continue
		}
		at := slices.IndexFunc(missing, func(e E) bool { return refKey(m.read(&e).ref) == refKey(before.ref) })
		if at >= 0 {
			out = append(out, m.after(*before.conditions, missing[at]))
			missing = slices.Delete(missing, at, at+1)
		}
	}
	for _, entry := range missing[:min(len(missing), max(0, m.most-len(out)))] {
		out = append(out, m.after(nil, entry))
	}
	return out
}

// after is the entry with the conditions that follow upon those before.
func (m merger[E]) after(before []metav1.Condition, entry E) E {
	conditions := m.read(&entry).conditions
	*conditions = merge(before, *conditions, m.conditions, m.now)
	return entry
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
