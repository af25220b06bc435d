package graph

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// methods that a match may name.
var methods = []gatewayv1.HTTPMethod{
	gatewayv1.HTTPMethodGet, gatewayv1.HTTPMethodHead, gatewayv1.HTTPMethodPost, gatewayv1.HTTPMethodPut,
	gatewayv1.HTTPMethodDelete, gatewayv1.HTTPMethodConnect, gatewayv1.HTTPMethodOptions,
	gatewayv1.HTTPMethodTrace, gatewayv1.HTTPMethodPatch,
}

// readMatches reads the rule's matches. One that is not sound is left out: no
// request can be told to have it.
func (r *ruleReader) readMatches() {
	if r.grpc != nil {
		r.readGRPCMatches()
		return
	}
	if len(r.source.Matches) == 0 {
		r.rule.Matches = []Match{{PathKind: PathPrefix, Path: "/"}}
		return
	}
	for i := range r.source.Matches {
		before := len(r.faults)
		m := r.readMatch(i)
		if len(r.faults) == before {
			r.rule.Matches = append(r.rule.Matches, m)
		}
	}
}

func (r *ruleReader) readMatch(index int) Match {
	source, field := &r.source.Matches[index], fmt.Sprintf("%s.matches[%d]", r.field, index)
	m := Match{Index: index}
	m.PathKind, m.Path = r.readPath(source.Path, field+".path")
	if source.Method != nil && *source.Method != "" {
		m.Method = string(*source.Method)
		if !slices.Contains(methods, *source.Method) {
			r.fault(diagnostic.InvalidMethod, field+".method", fmt.Sprintf("%q is no method that a match can have", m.Method), "")
		}
	}
	m.Headers = r.readHeaderMatches(source.Headers, field+".headers")
	m.Query = r.readQueryMatches(source.QueryParams, field+".queryParams")
	return m
}

func (r *ruleReader) readPath(p *gatewayv1.HTTPPathMatch, field string) (PathKind, string) {
	kind, value := gatewayv1.PathMatchPathPrefix, "/"
	if p != nil && p.Type != nil {
		kind = *p.Type
	}
	if p != nil && p.Value != nil {
		value = *p.Value
	}
	if kind == gatewayv1.PathMatchRegularExpression {
		r.checkRegex(value, field+".value")
		return PathRegex, value
	}
	switch fault := textFault(value); {
	case fault != "":
		r.fault(diagnostic.InvalidText, field+".value", fault, "")
	case !strings.HasPrefix(value, "/"):
		r.fault(diagnostic.InvalidPath, field+".value", fmt.Sprintf("%q does not begin with a slash", value), "")
	}
	switch kind {
	case gatewayv1.PathMatchExact:
		return PathExact, value
	case gatewayv1.PathMatchPathPrefix:
		// A prefix matches whole segments, so its trailing slash is ignored.
		if trimmed := strings.TrimRight(value, "/"); trimmed != "" {
			value = trimmed
		} else {
			value = "/"
		}
		return PathPrefix, value
	}
	r.fault(diagnostic.InvalidMatchType, field+".type", fmt.Sprintf("%q is no type of path match", kind),
		"write Exact, PathPrefix or RegularExpression")
	return PathPrefix, value
}

// readHeaderMatches reads header matches; of equal names, without regard to
// case, the first counts (HTTPHeaderMatch.name).
func (r *ruleReader) readHeaderMatches(sources []gatewayv1.HTTPHeaderMatch, field string) []ValueMatch {
	var found []ValueMatch
	for i, h := range sources {
		at := fmt.Sprintf("%s[%d]", field, i)
		name := string(h.Name)
		same := func(m ValueMatch) bool { return strings.EqualFold(m.Name, name) }
		switch {
		case slices.ContainsFunc(found, same):
			r.remark(diagnostic.DuplicateMatch, at+".name", fmt.Sprintf("header %q is matched already, so this is ignored", name))
			continue
		case !isHeaderName(name):
			r.fault(diagnostic.UnaddressableHeader, at+".name", fmt.Sprintf("nginx cannot address a header named %q", name),
				"names have letters, digits and hyphens")
		}
		kind := gatewayv1.HeaderMatchExact
		if h.Type != nil {
			kind = *h.Type
		}
		found = append(found, r.readValue(ValueMatch{Name: name, Value: h.Value}, string(kind), at))
	}
	return found
}

// readQueryMatches reads query parameter matches; of equal names the first
// counts (HTTPQueryParamMatch.name).
func (r *ruleReader) readQueryMatches(sources []gatewayv1.HTTPQueryParamMatch, field string) []ValueMatch {
	var found []ValueMatch
	for i, q := range sources {
		at := fmt.Sprintf("%s[%d]", field, i)
		name := string(q.Name)
		same := func(m ValueMatch) bool { return m.Name == name }
		if slices.ContainsFunc(found, same) {
			r.remark(diagnostic.DuplicateMatch, at+".name", fmt.Sprintf("query parameter %q is matched already, so this is ignored", name))
			continue
		}
		if fault := textFault(name); fault != "" || name == "" {
			r.fault(diagnostic.InvalidQueryParameter, at+".name", fmt.Sprintf("%q is no name of a query parameter", name), "")
		}
		kind := gatewayv1.QueryParamMatchExact
		if q.Type != nil {
			kind = *q.Type
		}
		found = append(found, r.readValue(ValueMatch{Name: name, Value: q.Value}, string(kind), at))
	}
	return found
}

// readValue reads the type and value that header and query matches share.
func (r *ruleReader) readValue(m ValueMatch, kind, field string) ValueMatch {
	switch gatewayv1.HeaderMatchType(kind) {
	case gatewayv1.HeaderMatchExact:
		if fault := textFault(m.Value); fault != "" {
			r.fault(diagnostic.InvalidText, field+".value", fault, "")
		}
	case gatewayv1.HeaderMatchRegularExpression:
		m.Regex = true
		r.checkRegex(m.Value, field+".value")
	default:
		r.fault(diagnostic.InvalidMatchType, field+".type", fmt.Sprintf("%q is no type of match", kind), "write Exact or RegularExpression")
	}
	return m
}

func (r *ruleReader) checkRegex(expression, field string) {
	if fault := textFault(expression); fault != "" {
		r.fault(diagnostic.InvalidText, field, fault, "")
		return
	}
	if fault := regexFault(expression); fault != "" {
		r.fault(diagnostic.InvalidRegex, field, fmt.Sprintf("%q is no valid regular expression for nginx (PCRE2): %s", expression, fault), "")
	}
}
