package nginx

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// hopUpstream leads to the agent's hop, hopHTTP2Upstream does so for gRPC: nginx
// keeps connections for an upstream, whatever is spoken on them. No upstream of a
// rule can have their names.
const (
	hopUpstream      = "gw_hop"
	hopHTTP2Upstream = "gw_hop_http2"
)

// hopAllowance is how much longer nginx waits for the hop than the hop for
// backends: it is the hop that answers when time is up.
const hopAllowance = 5 * time.Second

// throughHop has the proxy send requests to the hop, which knows by a header
// what to do with them.
func (s *locationSet) throughHop(p *proxy, c candidate, headers *requestHeaders) bool {
	hop := c.rule.Hop
	id := hop.ID(c.match)
	rule, ok := s.hopRule(id, hop, c.match)
	if !ok {
		return false
	}
	headers.set(bundle.HopHeader, token.Text(id))
	p.Upstream, _ = token.NewName(hopUpstream)
	if c.rule.GRPC {
		p.Upstream, _ = token.NewName(hopHTTP2Upstream)
		p.HTTP2 = true
	}
	p.Headers = headers.list()
	idle := defaultIdleTimeout
	if c.rule.IdleTimeout > 0 {
		idle = c.rule.IdleTimeout
	}
	if longest := patience(hop) + hopAllowance; longest > idle {
		d := token.NewDuration(longest)
		p.IdleTimeout = &d
	}
	if c.rule.GRPC {
		rule.Mirrors = s.hopMirrors(c.rule.Mirrors)
	}
	s.hopRules[id] = rule
	for _, b := range hop.Backends {
		s.hopUpstreams[b.Upstream.ID] = b.Upstream
	}
	if hop.Auth != nil {
		s.hopUpstreams[hop.Auth.Upstream.ID] = hop.Auth.Upstream
	}
	return !headers.refused
}

// hopMirrors are copies that the hop makes: nginx reads a request whole before it
// copies it, and a call may last.
func (s *locationSet) hopMirrors(sources []graph.Mirror) []bundle.HopMirror {
	var all []bundle.HopMirror
	for _, m := range sources {
		if m.Upstream.Refused {
			continue
		}
		all = append(all, bundle.HopMirror{Share: m.Share, Backend: bundle.HopBackend{
			Upstream: m.Upstream.ID, Weight: 1, HTTP2: m.Upstream.HTTP2, TLS: s.hopTLS(m.Upstream.TLS),
		}})
		s.hopUpstreams[m.Upstream.ID] = m.Upstream
	}
	return all
}

// patience is how long the hop may take until the headers of a response; 0
// where only the idle timeout bounds it.
func patience(hop *graph.Hop) time.Duration {
	if hop.RequestTimeout == 0 && hop.Auth != nil {
		unguarded := *hop
		unguarded.Auth = nil
		return graph.AuthTimeout + patience(&unguarded)
	}
	if hop.RequestTimeout > 0 || hop.Retry == nil {
		return max(hop.RequestTimeout, hop.BackendTimeout)
	}
	attempts := time.Duration(hop.Retry.Attempts)
	return (attempts+1)*hop.BackendTimeout + attempts*hop.Retry.Backoff
}

func (s *locationSet) hopRule(id string, hop *graph.Hop, m *graph.Match) (bundle.HopRule, bool) {
	rule := bundle.HopRule{
		ID:                   id,
		RequestTimeoutMillis: hop.RequestTimeout.Milliseconds(),
		BackendTimeoutMillis: hop.BackendTimeout.Milliseconds(),
	}
	if r := hop.Retry; r != nil {
		rule.Retry = &bundle.HopRetry{
			Attempts: r.Attempts, Codes: slices.Clone(r.Codes), BackoffMillis: r.Backoff.Milliseconds(),
		}
	}
	for _, b := range hop.Backends {
		rewrite, ok := hopRewrite(b.Rewrite, m)
		request, okRequest := hopHeaders(b.RequestHeaders)
		response, okResponse := hopHeaders(b.ResponseHeaders)
		if !ok || !okRequest || !okResponse {
			return bundle.HopRule{}, false
		}
		rule.Backends = append(rule.Backends, bundle.HopBackend{
			Upstream: b.Upstream.ID, Weight: b.Weight, HTTP2: b.Upstream.HTTP2, TLS: s.hopTLS(b.Upstream.TLS),
			RequestHeaders: request, ResponseHeaders: response, Rewrite: rewrite,
		})
	}
	if !s.guard(&rule, hop.Auth) {
		return bundle.HopRule{}, false
	}
	return rule, true
}

// hopHeaders refuses what routes do not change, as nginx's part does.
func hopHeaders(changes []graph.HeaderChange) ([]bundle.HopHeaderChange, bool) {
	actions := map[graph.HeaderAction]bundle.HopHeaderAction{
		graph.HeaderSet: bundle.HopHeaderSet, graph.HeaderAdd: bundle.HopHeaderAdd, graph.HeaderRemove: bundle.HopHeaderRemove,
	}
	var out []bundle.HopHeaderChange
	for _, c := range changes {
		name, ok := token.NewHeader(c.Name)
		_, okValue := token.NewValue(token.Text(c.Value))
		// Beyond that, Go's HTTP sends no text.
		wide := strings.ContainsFunc(c.Value, func(r rune) bool { return r > 0xff })
		if !ok || !okValue || wide || slices.Contains(reservedHeaders, strings.ToLower(c.Name)) {
			return nil, false
		}
		change := bundle.HopHeaderChange{Action: actions[c.Action], Name: name.String()}
		if c.Action != graph.HeaderRemove {
			change.Value = c.Value
		}
		out = append(out, change)
	}
	return out, true
}

func hopRewrite(r *graph.Rewrite, m *graph.Match) (*bundle.HopRewrite, bool) {
	if r == nil {
		return nil, true
	}
	out := &bundle.HopRewrite{}
	if r.Hostname != "" {
		host, ok := token.NewHost(r.Hostname)
		if !ok {
			return nil, false
		}
		out.Hostname = host.String()
	}
	if r.Path == nil {
		return out, true
	}
	out.Path = &bundle.HopPath{Value: token.EncodePath(absolute(r.Path.Value))}
	if !r.Path.Prefix {
		return out, true
	}
	prefix, ok := replacedPrefix(m)
	out.Path.Prefix = token.DecodePath(prefix)
	if prefix == "" {
		out.Path.Prefix = "/"
	}
	return out, ok
}

// hop returns what the hop is to do; nothing where no rule needs it.
func (c *compilation) hop() bundle.Hop {
	var h bundle.Hop
	for _, id := range slices.Sorted(maps.Keys(c.hopRules)) {
		h.Rules = append(h.Rules, c.hopRules[id])
	}
	for _, id := range slices.Sorted(maps.Keys(c.hopUpstreams)) {
		h.Upstreams = append(h.Upstreams, bundle.Upstream{ID: id, Endpoints: slices.Clone(c.hopUpstreams[id].Endpoints)})
	}
	return h
}
