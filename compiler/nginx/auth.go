package nginx

import (
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// asksFirst says that requests are let in by a Service, which is to see what the
// client sent: the hop, which asks it, makes the changes of the rule.
func asksFirst(rule *graph.Rule) bool { return rule.Hop != nil && rule.Hop.Auth != nil }

// guard puts the rule's backends behind the Service that lets requests in. It
// refuses what does not print, as nginx's part does.
func (s *locationSet) guard(rule *bundle.HopRule, a *graph.Auth) bool {
	switch {
	case a == nil:
		return true
	case a.GRPC:
		return s.guardByCall(rule, a)
	}
	if _, ok := token.NewPath(token.DecodePath(a.Path)); !ok {
		return false
	}
	// A prefix of / is replaced by more of it; without a path, by itself.
	prefixed := &bundle.HopRewrite{Path: &bundle.HopPath{Prefix: "/", Value: token.EncodePath(absolute(a.Path))}}
	rule.Auth = &bundle.HopAuth{
		Server:        bundle.HopBackend{Upstream: a.Upstream.ID, Weight: 1, HTTP2: a.Upstream.HTTP2, TLS: s.hopTLS(a.Upstream.TLS), Rewrite: prefixed},
		TimeoutMillis: graph.AuthTimeout.Milliseconds(), MaxBodyBytes: a.MaxBody,
		Backends: rule.Backends,
	}
	rule.Backends = nil
	var okRequest, okResponse bool
	rule.Auth.RequestHeaders, okRequest = hopHeaderNames(a.RequestHeaders)
	rule.Auth.ResponseHeaders, okResponse = hopHeaderNames(a.ResponseHeaders)
	return okRequest && okResponse
}

// guardByCall does so where the question is a gRPC call: by HTTP/2, whatever the
// Service's port is said to speak.
func (s *locationSet) guardByCall(rule *bundle.HopRule, a *graph.Auth) bool {
	rule.GRPCAuth = &bundle.HopGRPCAuth{
		Server:        bundle.HopBackend{Upstream: a.Upstream.ID, Weight: 1, HTTP2: true, TLS: s.hopTLS(a.Upstream.TLS)},
		TimeoutMillis: graph.AuthTimeout.Milliseconds(), MaxBodyBytes: a.MaxBody,
		Backends: rule.Backends,
	}
	rule.Backends = nil
	for _, name := range a.RequestHeaders {
		checked, ok := token.NewHeader(name)
		if !ok {
			return false
		}
		rule.GRPCAuth.RequestHeaders = append(rule.GRPCAuth.RequestHeaders, checked.String())
	}
	return true
}

func hopHeaderNames(names []string) ([]string, bool) {
	var changes []graph.HeaderChange
	for _, name := range names {
		changes = append(changes, graph.HeaderChange{Action: graph.HeaderRemove, Name: name})
	}
	checked, ok := hopHeaders(changes)
	var out []string
	for _, c := range checked {
		out = append(out, c.Name)
	}
	return out, ok
}
