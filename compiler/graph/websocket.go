package graph

import (
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// WebSocketRules returns the value of v1alpha1.AnnotationWebSocket: the rules
// whose filters ask for websockets, by name, or by index where they have none,
// separated by commas; empty where none does.
func WebSocketRules(route *gatewayv1.HTTPRoute) string {
	var rules []string
	for i := range route.Spec.Rules {
		rule := &route.Spec.Rules[i]
		switch {
		case !asksForWebSocket(rule):
		case rule.Name != nil && *rule.Name != "":
			rules = append(rules, string(*rule.Name))
		default:
			rules = append(rules, strconv.Itoa(i))
		}
	}
	return strings.Join(rules, ",")
}

// asksForWebSocket says whether a header filter of the rule, or of one of its
// backends, sets or adds a header that asks for websockets.
func asksForWebSocket(rule *gatewayv1.HTTPRouteRule) bool {
	filters := slices.Clone(rule.Filters)
	for _, backend := range rule.BackendRefs {
		filters = append(filters, backend.Filters...)
	}
	return slices.ContainsFunc(filters, func(f gatewayv1.HTTPRouteFilter) bool {
		return f.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil &&
			meansWebSocket(slices.Concat(f.RequestHeaderModifier.Set, f.RequestHeaderModifier.Add))
	})
}

// meansWebSocket says whether the headers of one filter ask for websockets, and
// for nothing else: "Connection: upgrade" is for what Upgrade says.
func meansWebSocket(headers []gatewayv1.HTTPHeader) bool {
	asks := false
	for _, h := range headers {
		means := isWebSocketHeader(HeaderChange{Name: string(h.Name), Value: h.Value})
		if !means && strings.EqualFold(string(h.Name), "upgrade") {
			return false
		}
		asks = asks || means
	}
	return asks
}

// GeneratedPolicies returns the WebSocketPolicies to own: one for each route
// whose filters ask for websockets. A user's policy for the same target wins, and
// the status of the generated one says so: it is there again at once when the
// user's goes.
func GeneratedPolicies(g Graph, s snapshot.Snapshot) []*v1alpha1.WebSocketPolicy {
	var generated []*v1alpha1.WebSocketPolicy
	for _, route := range g.Routes {
		if route.Source.Kind != "HTTPRoute" {
			continue
		}
		if targets := generatedTargets(route.HTTP); len(targets) > 0 {
			generated = append(generated, generatedPolicy(route.HTTP, targets, s))
		}
	}
	return generated
}

// generatedTargets are the named rules, or the whole route where a rule without
// name is concerned.
func generatedTargets(route *gatewayv1.HTTPRoute) []gatewayv1.LocalPolicyTargetReferenceWithSectionName {
	target := func(section *gatewayv1.SectionName) gatewayv1.LocalPolicyTargetReferenceWithSectionName {
		t := gatewayv1.LocalPolicyTargetReferenceWithSectionName{SectionName: section}
		t.Group, t.Kind, t.Name = gatewayv1.GroupName, "HTTPRoute", gatewayv1.ObjectName(route.Name)
		return t
	}
	var targets []gatewayv1.LocalPolicyTargetReferenceWithSectionName
	for i := range route.Spec.Rules {
		rule := &route.Spec.Rules[i]
		if !asksForWebSocket(rule) {
			continue
		}
		if rule.Name == nil || *rule.Name == "" {
			return []gatewayv1.LocalPolicyTargetReferenceWithSectionName{target(nil)}
		}
		targets = append(targets, target(new(*rule.Name)))
	}
	return targets
}

func generatedPolicy(route *gatewayv1.HTTPRoute, targets []gatewayv1.LocalPolicyTargetReferenceWithSectionName, s snapshot.Snapshot) *v1alpha1.WebSocketPolicy {
	yes, timeout := true, gatewayv1.Duration("1h")
	return &v1alpha1.WebSocketPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "WebSocketPolicy"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: route.Namespace,
			Name:      generatedName(route, s),
			Labels:    map[string]string{v1alpha1.LabelGenerated: "true"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: gatewayv1.GroupVersion.String(), Kind: "HTTPRoute",
				Name: route.Name, UID: route.UID, Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Spec: v1alpha1.WebSocketPolicySpec{TargetRefs: targets, IdleTimeout: &timeout},
	}
}

// generatedName is the route's name with "-websocket"; with a hash where a user
// has a policy of that name, which is not ours to change.
func generatedName(route *gatewayv1.HTTPRoute, s snapshot.Snapshot) string {
	const longest = 253
	name := shorten(route.Name+"-websocket", longest)
	if p, ok := s.WebSocketPolicies.Get(route.Namespace, name); ok && !isGenerated(p) {
		return hashed(name, route.Namespace+"/"+route.Name, longest)
	}
	return name
}
