package status

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Build words the graph, and what the data planes of the snapshot reported.
func Build(g graph.Graph, s snapshot.Snapshot) Statuses {
	var out Statuses
	for _, c := range g.Classes {
		out.Classes = append(out.Classes, class(c))
	}
	for _, gw := range g.Gateways {
		out.Gateways = append(out.Gateways, gateway(gw, s))
	}
	for _, set := range g.ListenerSets {
		out.ListenerSets = append(out.ListenerSets, listenerSet(set, s))
	}
	for _, r := range g.Routes {
		out.Routes = append(out.Routes, route(r))
	}
	for _, p := range g.Policies {
		out.Policies = append(out.Policies, policy(p))
	}
	for _, p := range g.BackendTLSPolicies {
		out.BackendTLSPolicies = append(out.BackendTLSPolicies, backendTLSPolicy(p))
	}
	return out
}

// maxMessage is the longest message of a condition (metav1.Condition).
const maxMessage = 32768

// condition words a verdict. The time of its last change is the writer's to
// keep.
func condition(kind string, v graph.Verdict, generation int64) metav1.Condition {
	status := metav1.ConditionFalse
	if v.True {
		status = metav1.ConditionTrue
	}
	message := v.Message
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-len("…")], "") + "…"
	}
	return metav1.Condition{
		Type: kind, Status: status, ObservedGeneration: generation, Reason: v.Reason, Message: message,
	}
}

func route(r *graph.Route) Route {
	out := Route{Key: r.Source.RouteKey()}
	for _, p := range r.Parents {
		conditions := []metav1.Condition{
			condition(string(gatewayv1.RouteConditionAccepted), p.Accepted, r.Source.GetGeneration()),
			condition(string(gatewayv1.RouteConditionResolvedRefs), p.ResolvedRefs, r.Source.GetGeneration()),
		}
		if p.Accepted.True && r.PartiallyInvalid.True {
			conditions = append(conditions,
				condition(string(gatewayv1.RouteConditionPartiallyInvalid), r.PartiallyInvalid, r.Source.GetGeneration()))
		}
		out.Parents = append(out.Parents, gatewayv1.RouteParentStatus{
			ParentRef: p.Ref, ControllerName: v1alpha1.ControllerName, Conditions: conditions,
		})
	}
	return out
}

// maxAncestors is how many entries status.ancestors holds.
const maxAncestors = 16

func policy(p *graph.Policy) Policy {
	out := Policy{Key: snapshot.KeyOf(p.Source)}
	for _, a := range p.Ancestors[:min(maxAncestors, len(p.Ancestors))] {
		conditions := []metav1.Condition{
			condition(string(gatewayv1.PolicyConditionAccepted), a.Accepted, p.Source.Generation),
		}
		out.Ancestors = append(out.Ancestors, gatewayv1.PolicyAncestorStatus{
			AncestorRef: ancestorRef(a), ControllerName: v1alpha1.ControllerName, Conditions: conditions,
		})
	}
	return out
}

func backendTLSPolicy(p *graph.TLSPolicy) Policy {
	out := Policy{Key: snapshot.KeyOf(p.Source)}
	for _, a := range p.Ancestors[:min(maxAncestors, len(p.Ancestors))] {
		out.Ancestors = append(out.Ancestors, gatewayv1.PolicyAncestorStatus{
			AncestorRef:    ancestorRef(graph.PolicyAncestor{Gateway: a.Gateway}),
			ControllerName: v1alpha1.ControllerName,
			Conditions: []metav1.Condition{
				condition(string(gatewayv1.PolicyConditionAccepted), a.Accepted, p.Source.Generation),
				condition(string(gatewayv1.BackendTLSPolicyConditionResolvedRefs), a.ResolvedRefs, p.Source.Generation),
			},
		})
	}
	return out
}

func ancestorRef(a graph.PolicyAncestor) gatewayv1.ParentReference {
	kind, key := gatewayv1.Kind("Gateway"), a.Gateway
	if key.Name == "" {
		kind, key = "HTTPRoute", a.Target
	}
	group, namespace := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Namespace(key.Namespace)
	return gatewayv1.ParentReference{
		Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(key.Name),
	}
}
