package nginx

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// handler returns what the candidate's rule does with a request. A rule that
// cannot do what it says, or whose text does not print, answers 500: never less
// than what was asked for.
func (s *locationSet) handler(c candidate, printable bool) handler {
	rule := c.rule
	if rule.Invalid || !printable {
		return refuse(500)
	}
	response, ok := responseHeaders(rule.ResponseHeaders)
	if !ok {
		return refuse(500)
	}
	h := handler{AddHeaders: response.add}
	if rule.CORS != nil {
		own, added, ok := s.cors(rule.CORS)
		if !ok {
			return refuse(500)
		}
		s.answersPreflight = true
		h.CORS, h.AddHeaders = own, slices.Concat(added, response.add)
		response.hide = slices.Concat(response.hide, hiddenByCORS())
	}
	if rule.Redirect != nil {
		r, ok := s.redirect(c)
		if !ok {
			return refuse(500)
		}
		h.Redirect = &r
		return h
	}
	if rule.Upstream.Refused {
		status := token.NewInt(500)
		h.Return = &status
		return h
	}
	p, ok := s.proxy(c)
	if !ok {
		return refuse(500)
	}
	p.HideHeaders = response.hide
	if p.TLS != nil {
		p.TLS.Failed = s.failed(c, h)
	}
	h.Proxy = &p
	return h
}

// dependsOnMatch says that the rule does different things for its different
// matches: it replaces the prefix that matched, or hands out cookies for it.
func dependsOnMatch(rule *graph.Rule) bool {
	return rule.Redirect != nil && rule.Redirect.Path != nil && rule.Redirect.Path.Prefix ||
		rule.Rewrite != nil && rule.Rewrite.Path != nil && rule.Rewrite.Path.Prefix ||
		rule.Hop != nil && rule.Hop.ReplacesPrefix() || rule.Session != nil
}

func (s *locationSet) proxy(c candidate) (proxy, bool) {
	var p proxy
	headers := s.commonHeaders()
	changed, changes := false, c.rule.RequestHeaders
	if asksFirst(c.rule) {
		changes = nil
	}
	if rw := c.rule.Rewrite; rw != nil && !asksFirst(c.rule) {
		if rw.Hostname != "" {
			changed = true
			headers.set(hostHeader, token.Text(rw.Hostname))
		}
		if rw.Path != nil {
			r, ok := rewritePath(c.match, rw.Path)
			if !ok {
				return proxy{}, false
			}
			p.Rewrite = &r
		}
	}
	for _, change := range changes {
		changed = true
		headers.change(change)
	}
	if c.rule.GRPC {
		changed, p.Trailers = true, true
		// A call may be silent in one direction, or both, for as long as a
		// connection to a backend; nginx gives clients' bodies a minute.
		d := token.NewDuration(cmp.Or(c.rule.IdleTimeout, defaultIdleTimeout))
		p.ClientTimeout = &d
		headers.set("TE", token.Text("trailers"))
	}
	if changed {
		// proxy_set_header is inherited only by a location that has none.
		p.Headers = headers.list()
		if headers.refused {
			return proxy{}, false
		}
	}
	if t := c.rule.IdleTimeout; t > 0 && t != defaultIdleTimeout {
		d := token.NewDuration(t)
		p.IdleTimeout = &d
	}
	sockets, okSockets := s.webSockets(c.rule.WebSocketLimits)
	p.WebSockets = sockets
	okMirrors := true
	if !c.rule.GRPC {
		p.Mirrors, okMirrors = s.mirrors(c, p)
	}
	if !okSockets || !okMirrors {
		return proxy{}, false
	}
	if c.rule.Hop != nil {
		return p, s.throughHop(&p, c, headers)
	}
	upstream, ok := s.upstreamOf(c)
	tls, okTLS := s.backendTLS(c.rule.Upstream)
	p.Upstream, p.TLS, p.HTTP2 = upstream, tls, c.rule.Upstream.HTTP2
	return p, ok && okTLS
}

// rewritePath returns how the path is replaced. nginx then sends the path that
// it decoded, encoded anew: an encoded slash becomes a slash.
func rewritePath(m *graph.Match, r *graph.PathRewrite) (rewrite, bool) {
	if !r.Prefix {
		base, ok := token.NewValue(token.Text(token.DecodePath(absolute(r.Value))))
		return rewrite{Base: base, Path: token.AnyPattern()}, ok
	}
	prefix, ok := replacedPrefix(m)
	if !ok {
		return rewrite{}, false
	}
	value, slash := prefixReplacement(r.Value)
	base, okBase := token.NewValue(token.Text(token.DecodePath(value)))
	path, okPath := token.RestPattern(prefix, slash)
	return rewrite{Base: base, Path: path, KeepRest: true}, okBase && okPath
}

// replacedPrefix returns the prefix that matched; only a prefix match has one.
func replacedPrefix(m *graph.Match) (string, bool) {
	return strings.TrimRight(m.Path, "/"), m.PathKind == graph.PathPrefix
}

// prefixReplacement returns what to put in place of a prefix, and whether the
// slash that follows the prefix goes too, so that there is one slash between
// the replacement and the rest (HTTPPathModifier's table of examples).
func prefixReplacement(value string) (replacement string, slash bool) {
	if value == "" || strings.HasSuffix(value, "/") {
		return absolute(strings.TrimRight(value, "/") + "/"), true
	}
	return absolute(value), false
}

func absolute(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "/" + path
	}
	return path
}

// redirect returns the Location, with the port that Gateway API prescribes
// (HTTPRequestRedirectFilter.port).
func (s *locationSet) redirect(c candidate) (redirect, bool) {
	r := c.rule.Redirect
	scheme, port := r.Scheme, r.Port
	own := "http"
	if s.listener.TLS {
		own = "https"
	}
	if port == 0 {
		port = s.listener.Source.Port
		if known, ok := schemePorts[scheme]; ok {
			port = known
		}
	}
	if scheme == "" {
		scheme = own
	}
	if schemePorts[scheme] == 0 || !slices.Contains(redirectCodes, r.Code) {
		return redirect{}, false
	}
	parts := []token.Part{token.Text(scheme + "://"), token.Of(token.RequestHost)}
	if r.Hostname != "" {
		host, ok := token.NewHost(r.Hostname)
		if !ok {
			return redirect{}, false
		}
		parts[1] = token.Text(host.String())
	}
	if port != schemePorts[scheme] {
		parts = append(parts, token.Text(":"+token.NewInt(port).String()))
	}
	out := redirect{Code: token.NewInt(r.Code)}
	path, ok := out.path(c.match, r.Path)
	if !ok {
		return redirect{}, false
	}
	out.Location, ok = token.NewValue(append(parts, path...)...)
	return out, ok
}

var (
	schemePorts   = map[string]int32{"http": 80, "https": 443}
	redirectCodes = []int{301, 302, 303, 307, 308}
)

// path returns the path and query of the Location. All of it is as the client
// encoded it: what nginx decoded could hold line breaks.
func (out *redirect) path(m *graph.Match, r *graph.PathRewrite) ([]token.Part, bool) {
	query := []token.Part{token.Of(token.IsArgs), token.Of(token.Args)}
	switch {
	case r == nil:
		return []token.Part{token.Of(token.RequestURI)}, true
	case !r.Prefix:
		return append([]token.Part{token.PathText(absolute(r.Value))}, query...), true
	}
	prefix, ok := replacedPrefix(m)
	if !ok {
		return nil, false
	}
	value, slash := prefixReplacement(r.Value)
	rest, ok := token.RawRestPattern(prefix, slash)
	out.Rest = &rest
	return append([]token.Part{token.PathText(value), token.Of(token.Rest)}, query...), ok
}
