package graph

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// isFilterReference finds unresolved references of filters among those of
// backends: a filter that is not there makes its whole rule answer with an
// error.
func isFilterReference(d diagnostic.Diagnostic) bool { return d.Check == diagnostic.UnknownFilter.ID }

// readFilters reads the rule's filters.
func (r *ruleReader) readFilters() {
	seen := map[gatewayv1.HTTPRouteFilterType]bool{}
	for i := range r.source.Filters {
		f, field := &r.source.Filters[i], fmt.Sprintf("%s.filters[%d]", r.field, i)
		if seen[f.Type] && f.Type != gatewayv1.HTTPRouteFilterExtensionRef && f.Type != gatewayv1.HTTPRouteFilterRequestMirror {
			r.fault(diagnostic.RepeatedFilter, field, fmt.Sprintf("a rule can have one filter of type %s", f.Type), "")
			continue
		}
		seen[f.Type] = true
		r.readFilter(f, field)
	}
	switch {
	case r.rule.Redirect != nil && r.rule.Rewrite != nil:
		r.fault(diagnostic.ContradictingFilters, r.field+".filters", "a request cannot be redirected and rewritten as well", "")
	case r.rule.Redirect != nil && len(r.source.BackendRefs) > 0:
		r.fault(diagnostic.ContradictingFilters, r.field+".backendRefs", "a rule that redirects sends nothing to backends", "")
	}
}

func (r *ruleReader) readFilter(f *gatewayv1.HTTPRouteFilter, field string) {
	switch {
	case f.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil:
		r.rule.RequestHeaders = r.readHeaderFilter(f.RequestHeaderModifier, field+".requestHeaderModifier", true)
	case f.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && f.ResponseHeaderModifier != nil:
		r.rule.ResponseHeaders = r.readHeaderFilter(f.ResponseHeaderModifier, field+".responseHeaderModifier", false)
	case f.Type == gatewayv1.HTTPRouteFilterRequestRedirect && f.RequestRedirect != nil:
		r.readRedirect(f.RequestRedirect, field+".requestRedirect")
	case f.Type == gatewayv1.HTTPRouteFilterURLRewrite && f.URLRewrite != nil:
		r.rule.Rewrite = r.readRewrite(f.URLRewrite, field+".urlRewrite")
	case f.Type == gatewayv1.HTTPRouteFilterCORS && f.CORS != nil:
		r.readCORS(f.CORS, field+".cors")
	case f.Type == gatewayv1.HTTPRouteFilterRequestMirror && f.RequestMirror != nil:
		// readMirrors, once it is known where the rule leads.
	case f.Type == gatewayv1.HTTPRouteFilterExternalAuth && f.ExternalAuth != nil:
		// readAuth, once it is known what else the rule does.
	case f.Type == gatewayv1.HTTPRouteFilterExtensionRef && f.ExtensionRef != nil:
		r.unresolved = append(r.unresolved, diagnostic.UnknownFilter.At(field+".extensionRef",
			fmt.Sprintf("no filters of kind %s (group %q) are known", f.ExtensionRef.Kind, f.ExtensionRef.Group),
			"the rule answers 500 until it is left out"))
	default:
		r.unsupported(field+".type", fmt.Sprintf("filters of type %q are", f.Type))
	}
}

func (r *ruleReader) readRedirect(f *gatewayv1.HTTPRequestRedirectFilter, field string) {
	out := &Redirect{Code: 302}
	if f.Scheme != nil && *f.Scheme != "" {
		out.Scheme = strings.ToLower(*f.Scheme)
		if out.Scheme != "http" && out.Scheme != "https" {
			r.fault(diagnostic.InvalidRedirect, field+".scheme", fmt.Sprintf("%q is no scheme to redirect to", *f.Scheme), "write http or https")
		}
	}
	out.Hostname = r.readPreciseHostname(f.Hostname, field+".hostname")
	if f.Port != nil {
		out.Port = *f.Port
		if out.Port < 1 || out.Port > 65535 {
			r.fault(diagnostic.InvalidRedirect, field+".port", fmt.Sprintf("%d is no port", out.Port), "")
		}
	}
	if f.StatusCode != nil {
		out.Code = *f.StatusCode
		if !slices.Contains([]int{301, 302, 303, 307, 308}, out.Code) {
			r.fault(diagnostic.InvalidRedirect, field+".statusCode", fmt.Sprintf("%d is no redirect", out.Code), "write 301, 302, 303, 307 or 308")
		}
	}
	out.Path = r.readPathModifier(f.Path, field+".path")
	r.rule.Redirect = out
}

func (r *ruleReader) readRewrite(f *gatewayv1.HTTPURLRewriteFilter, field string) *Rewrite {
	out := &Rewrite{
		Hostname: r.readPreciseHostname(f.Hostname, field+".hostname"),
		Path:     r.readPathModifier(f.Path, field+".path"),
	}
	// nginx writes the new path decoded, and encodes it anew when it asks the
	// backend. A redirect's goes to the client as it is.
	if path := out.Path; path != nil {
		if found := encodedControl.FindString(path.Value); found != "" {
			r.fault(diagnostic.EncodedControlCharacter, field+".path", fmt.Sprintf("%q has the encoded control character %s, which no path can hold", path.Value, found), "leave it out")
		}
	}
	return out
}

func (r *ruleReader) readPreciseHostname(h *gatewayv1.PreciseHostname, field string) string {
	if h == nil || *h == "" {
		return ""
	}
	lower, ok := lowerHostname(string(*h))
	if !ok || strings.HasPrefix(lower, "*") {
		r.fault(diagnostic.InvalidHostname, field, fmt.Sprintf("%q is no hostname", *h), "")
	}
	return lower
}

// readPathModifier reads the path of a redirect or rewrite. Only a prefix match
// has a prefix to replace (HTTPPathModifier.replacePrefixMatch).
func (r *ruleReader) readPathModifier(p *gatewayv1.HTTPPathModifier, field string) *PathRewrite {
	if p == nil {
		return nil
	}
	out := &PathRewrite{}
	switch {
	case p.Type == gatewayv1.FullPathHTTPPathModifier && p.ReplaceFullPath != nil:
		out.Value = *p.ReplaceFullPath
		field += ".replaceFullPath"
	case p.Type == gatewayv1.PrefixMatchHTTPPathModifier && p.ReplacePrefixMatch != nil:
		out.Prefix, out.Value = true, *p.ReplacePrefixMatch
		field += ".replacePrefixMatch"
		if slices.ContainsFunc(r.rule.Matches, func(m Match) bool { return m.PathKind != PathPrefix }) {
			r.fault(diagnostic.PrefixWithoutPrefixMatch, field, "only a match of type PathPrefix has a prefix to replace", "")
		}
	default:
		r.fault(diagnostic.InvalidPathModifier, field+".type", fmt.Sprintf("%q is no type of path modifier", p.Type),
			"write ReplaceFullPath or ReplacePrefixMatch, with its value")
	}
	if fault := textFault(out.Value); fault != "" {
		r.fault(diagnostic.InvalidText, field, fault, "")
	}
	return out
}
