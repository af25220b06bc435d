package graph

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// CORS says which pages of other web sites may read a rule's answers (Gateway
// API, HTTPCORSFilter; Fetch, "CORS protocol").
type CORS struct {
	// AnyOrigin lets all web sites in; Origins are then empty.
	AnyOrigin bool
	// Origins are sorted; a host of "*" is any. Without any, no web site is let
	// in.
	Origins []Origin
	// Credentials says that pages may send cookies and the like.
	Credentials   bool
	Methods       Names
	Headers       Names
	ExposeHeaders Names
	// MaxAge is for how many seconds browsers remember the answer.
	MaxAge int32
}

// Names are a list of names, or all there are.
type Names struct {
	Any  bool
	List []string
}

// defaultMaxAge is what Gateway API prescribes, in seconds.
const defaultMaxAge = 5

func (r *ruleReader) readCORS(f *gatewayv1.HTTPCORSFilter, field string) {
	out := &CORS{Credentials: f.AllowCredentials != nil && *f.AllowCredentials, MaxAge: f.MaxAge}
	if out.MaxAge == 0 {
		out.MaxAge = defaultMaxAge
	}
	if out.MaxAge < 0 {
		r.fault(diagnostic.InvalidCORS, field+".maxAge", fmt.Sprintf("%d seconds are no age", out.MaxAge), "write 1 or more")
	}
	r.readCORSOrigins(out, f.AllowOrigins, field+".allowOrigins")
	out.Methods = readNames(r, f.AllowMethods, field+".allowMethods")
	out.Headers = readNames(r, f.AllowHeaders, field+".allowHeaders")
	expose := f.ExposeHeaders
	if out.Credentials && slices.Contains(expose, "*") {
		// Browsers would take the asterisk for a header's name.
		expose = slices.DeleteFunc(slices.Clone(expose), func(n gatewayv1.HTTPHeaderName) bool { return n == "*" })
		r.remark(diagnostic.CORSExposesNothing, field+".exposeHeaders",
			`"*" exposes nothing to pages that send credentials, so it is left out`)
	}
	out.ExposeHeaders = readNames(r, expose, field+".exposeHeaders")
	r.rule.CORS = out
}

func (r *ruleReader) readCORSOrigins(out *CORS, written []gatewayv1.CORSOrigin, field string) {
	switch {
	case len(written) == 0:
		r.remark(diagnostic.CORSWithoutOrigins, field, "the filter names no web site, so it lets none in")
	case slices.Contains(written, "*"):
		out.AnyOrigin = true
		if len(written) > 1 {
			r.fault(diagnostic.InvalidCORS, field, `"*" stands for all web sites and goes with no other`, "")
		}
		return
	}
	for i, w := range written {
		o, fault := parseCORSOrigin(string(w))
		if fault != "" {
			r.fault(diagnostic.InvalidCORSOrigin, fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%q is no origin: %s", w, fault), "")
			continue
		}
		out.Origins = append(out.Origins, o)
	}
	slices.SortFunc(out.Origins, func(a, b Origin) int { return strings.Compare(a.String(), b.String()) })
	out.Origins = slices.Compact(out.Origins)
}

// parseCORSOrigin reads an origin whose host may also be "*", for any.
func parseCORSOrigin(written string) (o Origin, fault string) {
	scheme, authority, _ := strings.Cut(written, "://")
	port, wildcard := strings.CutPrefix(authority, "*")
	if !wildcard || port != "" && port[0] != ':' {
		return parseOrigin(written)
	}
	o, fault = parseOrigin(scheme + "://any" + port)
	o.Host = "*"
	return o, fault
}

// readNames reads a list of methods or headers. They only ever stand in a
// header's value, so they need not be names that nginx can address.
func readNames[T ~string](r *ruleReader, written []T, field string) Names {
	var out Names
	for i, w := range written {
		switch name := string(w); {
		case name == "*":
			out.Any = true
		case !isToken(name):
			r.fault(diagnostic.InvalidCORS, fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%q is no name", name), "")
		default:
			out.List = append(out.List, name)
		}
	}
	if out.Any && len(out.List) > 0 {
		if !strings.HasSuffix(field, ".exposeHeaders") {
			r.fault(diagnostic.InvalidCORS, field, `"*" stands for all and goes with no other`, "")
		}
		out.List = nil
	}
	if fault := textFault(strings.Join(out.List, ", ")); fault != "" {
		r.fault(diagnostic.InvalidText, field, fault, "")
	}
	return out
}

// isToken says whether the text is a token of HTTP (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !isHeaderRune(r) && !strings.ContainsRune("!#$%&'*+.^_`|~", r)
	}) < 0
}
