package operator

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// action is what the operator was at when it recorded an event.
const action = "Reconcile"

// transitions tells users of turns in the life of their objects, once each: the
// state itself is in the status.
type transitions struct{ recorder events.EventRecorder }

func (t transitions) gateway(before, after *gatewayv1.Gateway) {
	for _, kind := range []string{string(gatewayv1.GatewayConditionAccepted), string(gatewayv1.GatewayConditionProgrammed)} {
		t.turn(after, find(before.Status.Conditions, kind), find(after.Status.Conditions, kind))
	}
}

func (t transitions) route(of runtime.Object, before, after []gatewayv1.RouteParentStatus) {
	was := map[string][]metav1.Condition{}
	for _, p := range before {
		if p.ControllerName == v1alpha1.ControllerName {
			was[refKey(p.ParentRef)] = p.Conditions
		}
	}
	for _, p := range after {
		if p.ControllerName != v1alpha1.ControllerName {
			continue
		}
		for _, kind := range []string{string(gatewayv1.RouteConditionAccepted), string(gatewayv1.RouteConditionResolvedRefs)} {
			t.turn(of, find(was[refKey(p.ParentRef)], kind), find(p.Conditions, kind))
		}
	}
}

// turn records that a condition has another status, or another reason for being
// false.
func (t transitions) turn(of runtime.Object, before, after *metav1.Condition) {
	switch {
	case t.recorder == nil || after == nil:
		return
	case before != nil && before.Status == after.Status && before.Reason == after.Reason:
		return
	case after.Reason == string(gatewayv1.GatewayReasonPending):
		// It is on its way: what comes of it is worth an event.
		return
	case after.Type == string(gatewayv1.RouteConditionResolvedRefs) && after.Status == metav1.ConditionTrue &&
		(before == nil || before.Status != metav1.ConditionFalse):
		// That nothing is missing from the start is no news.
		return
	}
	severity := corev1.EventTypeWarning
	if after.Status == metav1.ConditionTrue {
		severity = corev1.EventTypeNormal
	}
	t.recorder.Eventf(of, nil, severity, after.Reason, action, "%s", bounded(after.Message))
}

// warn records what has no place in a condition.
func (t transitions) warn(g *gatewayv1.Gateway, reason, message string) {
	if t.recorder != nil {
		t.recorder.Eventf(g, nil, corev1.EventTypeWarning, reason, action, "%s", bounded(message))
	}
}

// bounded cuts a note to what events.k8s.io takes (1 kB).
func bounded(note string) string {
	const most = 1000
	if len(note) <= most {
		return note
	}
	return strings.ToValidUTF8(note[:most], "")
}
