package graph

import (
	"fmt"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// ruleReader turns one rule of a route into what it means, noting what is wrong
// on the way.
type ruleReader struct {
	*builder
	// kind is that of the route; a GRPCRoute is read in its form as an HTTPRoute.
	kind   string
	route  *gatewayv1.HTTPRoute
	source *gatewayv1.HTTPRouteRule
	// grpc is the rule itself where the route is a GRPCRoute, else nil.
	grpc *gatewayv1.GRPCRouteRule
	// field is the rule's path: spec.rules[0].
	field string
	rule  *Rule
	hop   hopReader
	// faults keep the rule from doing what it says; unresolved are references
	// that lead nowhere, remarks what is merely odd.
	faults, unresolved, remarks []diagnostic.Diagnostic
}

// ruleChecks are what there is to say about a rule, in the order in which it is
// said.
var ruleChecks = []func(*ruleReader){
	(*ruleReader).readMatches,
	(*ruleReader).readFilters,
	(*ruleReader).readBackendFilters,
	(*ruleReader).readTimeouts,
	(*ruleReader).readRetry,
	(*ruleReader).readSession,
	(*ruleReader).readAuth,
	(*ruleReader).readPolicy,
	(*ruleReader).readBackends,
	(*ruleReader).readMirrors,
	(*ruleReader).finishHop,
	(*ruleReader).finishSession,
}

func (b *builder) readRule(route *Route, index int) *ruleReader {
	r := &ruleReader{
		builder: b, kind: route.Source.Kind, route: route.HTTP, source: &route.HTTP.Spec.Rules[index],
		field: fmt.Sprintf("spec.rules[%d]", index),
	}
	r.rule = &Rule{Index: index, Source: r.source}
	if grpc, ok := route.Source.Object.(*gatewayv1.GRPCRoute); ok {
		r.grpc = &grpc.Spec.Rules[index]
		r.rule.GRPC = true
	}
	if r.source.Name != nil {
		r.rule.Name = string(*r.source.Name)
	}
	for _, check := range ruleChecks {
		check(r)
	}
	r.rule.Invalid = len(r.faults) > 0 || slices.ContainsFunc(r.unresolved, isFilterReference)
	return r
}

// fault notes what keeps the rule from doing what it says.
func (r *ruleReader) fault(c diagnostic.Check, field, message, fix string) {
	r.faults = append(r.faults, c.At(field, message, fix))
}

// unsupported notes what Gateway API has and we have not, yet.
func (r *ruleReader) unsupported(field, what string) {
	r.fault(diagnostic.UnsupportedFeature, field, what+" not supported yet", "the rule answers 500 until it is left out")
}

func (r *ruleReader) remark(c diagnostic.Check, field, message string) {
	r.remarks = append(r.remarks, c.At(field, message, ""))
}
