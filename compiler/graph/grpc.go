package graph

import (
	"fmt"
	"regexp"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

const kindGRPCRoute = "GRPCRoute"

// httpForm returns an HTTPRoute of the same name that has what the rules of both
// kinds share: filters and backends, under the same field names. It has no
// matches.
func httpForm(source *gatewayv1.GRPCRoute) *gatewayv1.HTTPRoute {
	route := &gatewayv1.HTTPRoute{ObjectMeta: source.ObjectMeta}
	for i := range source.Spec.Rules {
		from := &source.Spec.Rules[i]
		rule := gatewayv1.HTTPRouteRule{Name: from.Name, SessionPersistence: from.SessionPersistence, Filters: httpFilters(from.Filters)}
		for _, b := range from.BackendRefs {
			rule.BackendRefs = append(rule.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: b.BackendRef, Filters: httpFilters(b.Filters)})
		}
		route.Spec.Rules = append(route.Spec.Rules, rule)
	}
	return route
}

func httpFilters(sources []gatewayv1.GRPCRouteFilter) []gatewayv1.HTTPRouteFilter {
	var filters []gatewayv1.HTTPRouteFilter
	for _, f := range sources {
		filters = append(filters, gatewayv1.HTTPRouteFilter{
			Type:                   gatewayv1.HTTPRouteFilterType(f.Type),
			RequestHeaderModifier:  f.RequestHeaderModifier,
			ResponseHeaderModifier: f.ResponseHeaderModifier,
			RequestMirror:          f.RequestMirror,
			ExtensionRef:           f.ExtensionRef,
		})
	}
	return filters
}

// readGRPCMatches reads the matches of a GRPCRoute's rule. A call is a POST to
// the path /service/method (gRPC over HTTP2, "Path").
func (r *ruleReader) readGRPCMatches() {
	if len(r.grpc.Matches) == 0 {
		r.rule.Matches = []Match{{PathKind: PathPrefix, Path: "/"}}
		return
	}
	for i := range r.grpc.Matches {
		source, field := &r.grpc.Matches[i], fmt.Sprintf("%s.matches[%d]", r.field, i)
		before := len(r.faults)
		m := r.readGRPCMethod(source.Method, field+".method")
		m.Index = i
		var headers []gatewayv1.HTTPHeaderMatch
		for _, h := range source.Headers {
			header := gatewayv1.HTTPHeaderMatch{Name: gatewayv1.HTTPHeaderName(h.Name), Value: h.Value}
			if h.Type != nil {
				header.Type = new(gatewayv1.HeaderMatchType(*h.Type))
			}
			headers = append(headers, header)
		}
		m.Headers = r.readHeaderMatches(headers, field+".headers")
		if len(r.faults) == before {
			r.rule.Matches = append(r.rule.Matches, m)
		}
	}
}

// The names of services and methods (protocol buffers, "fullIdent" and "ident").
var (
	grpcService = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	grpcMethod  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// anyName stands in a regular expression for a service or method that is not
// named.
const anyName = "[^/]+"

// readGRPCMethod reads which calls are meant. What is not named fits any.
func (r *ruleReader) readGRPCMethod(m *gatewayv1.GRPCMethodMatch, field string) Match {
	if m == nil || m.Service == nil && m.Method == nil {
		return Match{PathKind: PathPrefix, Path: "/"}
	}
	service, method := "", ""
	if m.Service != nil {
		service = *m.Service
	}
	if m.Method != nil {
		method = *m.Method
	}
	out := Match{GRPC: GRPCMatch{ServiceLength: len(service), MethodLength: len(method)}}
	if m.Type != nil && *m.Type == gatewayv1.GRPCMethodMatchRegularExpression {
		r.checkGRPCRegex(service, field+".service")
		r.checkGRPCRegex(method, field+".method")
		out.PathKind, out.Path = PathRegex, "/"+group(service)+"/"+group(method)+`\z`
		return out
	}
	if m.Type != nil && *m.Type != gatewayv1.GRPCMethodMatchExact {
		r.fault(diagnostic.InvalidMatchType, field+".type", fmt.Sprintf("%q is no type of method match", *m.Type), "write Exact or RegularExpression")
	}
	if service != "" && !grpcService.MatchString(service) {
		r.fault(diagnostic.InvalidGRPCMethod, field+".service", fmt.Sprintf("%q is no name of a service", service), "")
	}
	if method != "" && !grpcMethod.MatchString(method) {
		r.fault(diagnostic.InvalidGRPCMethod, field+".method", fmt.Sprintf("%q is no name of a method", method), "")
	}
	switch {
	case method == "":
		out.PathKind, out.Path = PathPrefix, "/"+service
	case service == "":
		out.PathKind, out.Path = PathRegex, "/"+anyName+"/"+method+`\z`
	default:
		out.PathKind, out.Path = PathExact, "/"+service+"/"+method
	}
	return out
}

func (r *ruleReader) checkGRPCRegex(expression, field string) {
	if expression != "" {
		r.checkRegex(expression, field)
	}
}

// group keeps an expression to itself; none fits any name.
func group(expression string) string {
	if expression == "" {
		return anyName
	}
	return "(?:" + expression + ")"
}
