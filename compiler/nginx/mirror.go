package nginx

import (
	"slices"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// mirrored sends a copy of a request to an upstream, from a location of its own.
// Where the path is as the client wrote it, the address has a variable, for which
// nginx looks through all upstreams; only copies pay for that.
type mirrored struct {
	// Sample is empty for requests that are not in the share; nil where all are.
	Sample   *token.Variable
	Upstream token.Name
	// TLS is nil where the upstream speaks plain text.
	TLS *backendTLS
	// Rewrite of the request itself, whose outcome the copy has; nil where
	// nothing is rewritten.
	Rewrite *rewrite
	// Headers are as the request's own.
	Headers []header
	// HTTP2 says that the upstream speaks HTTP/2.
	HTTP2 bool
}

// share is a variable that is set for a share of all requests.
type share struct {
	Variable token.Variable
	Percent  token.Percent
}

// mirrors makes the locations from which the rule's copies are sent, and returns
// their names.
func (s *locationSet) mirrors(c candidate, p proxy) ([]token.Internal, bool) {
	var names []token.Internal
	for _, m := range c.rule.Mirrors {
		if m.Upstream.Refused {
			continue
		}
		copied, ok := s.mirrored(m, p)
		if !ok {
			return nil, false
		}
		if m.Share < graph.AllRequests {
			copied.Sample = new(s.share(m.Share))
		}
		name := token.NewInternal("mirror", c.route.Source.GetNamespace(), c.route.Source.GetName(),
			token.NewInt(c.rule.Index).String(), token.NewInt(m.Index).String())
		if names = append(names, name); s.jumps[name.String()] {
			continue
		}
		s.jumps[name.String()], s.copies = true, true
		s.internal = append(s.internal, location{Internal: &name, Handler: handler{Mirrored: &copied}})
	}
	return names, true
}

// mirrored returns how copies are sent: straight to the backend, or by the hop
// where nginx cannot check its certificate.
func (s *locationSet) mirrored(m graph.Mirror, p proxy) (mirrored, bool) {
	copied := mirrored{Rewrite: p.Rewrite, Headers: p.Headers}
	if tls := m.Upstream.TLS; tls != nil && (tls.HasAltNames() || m.Upstream.HTTP2) {
		copied.Upstream, _ = token.NewName(hopUpstream)
		copied.Headers = s.mirrorByHop(m, p.Headers)
		return copied, true
	}
	upstream, ok := s.upstream(m.Upstream)
	tls, okTLS := s.backendTLS(m.Upstream)
	copied.Upstream, copied.TLS, copied.HTTP2 = upstream, tls, m.Upstream.HTTP2
	return copied, ok && okTLS
}

// share returns the variable that is set for the share of requests. Equal shares
// have one.
func (c *compilation) share(hundredths int32) token.Variable {
	at := slices.Index(c.shares, hundredths)
	if at < 0 {
		at = len(c.shares)
		c.shares = append(c.shares, hundredths)
	}
	return token.Sample(at)
}

func (c *compilation) sampled() []share {
	var all []share
	for i, hundredths := range c.shares {
		all = append(all, share{Variable: token.Sample(i), Percent: token.NewPercent(hundredths)})
	}
	return all
}

// copied makes the location that serves requests which are copied, and returns
// the choice that leads there. Not all are: nginx reads the whole body of a
// request before it copies it, and bodies lie in memory.
func (s *locationSet) copied(c candidate, h handler) choice {
	one, _ := token.NewValue(token.Text("1"))
	out := choice{
		Condition: condition{Variable: token.Copied, Equal: &one},
		Target:    token.NewNamedLocation(append(s.words(c), "copied")...),
	}
	if name := out.Target; !s.jumps[name.String()] {
		s.jumps[name.String()] = true
		s.named = append(s.named, location{Named: &name, Handler: h})
	}
	return out
}

func withoutMirrors(h handler) handler {
	p := *h.Proxy
	p.Mirrors = nil
	h.Proxy = &p
	return h
}
