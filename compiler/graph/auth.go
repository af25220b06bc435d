package graph

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// AuthTimeout is how long an authorization server may take. Gateway API has no
// field for it.
const AuthTimeout = 10 * time.Second

// Auth is a Service that decides which requests are let in (Gateway API,
// HTTPExternalAuthFilter).
type Auth struct {
	Upstream *Upstream
	// GRPC says that it is asked by Envoy's protocol (ext_authz), else by HTTP.
	GRPC bool
	// Index of the filter in the rule.
	Index int
	// Path is put before the request's; empty for none.
	Path string
	// RequestHeaders are those that the Service gets besides the ones that it
	// always gets; with GRPC all that it gets, where none stands for all.
	// ResponseHeaders are those that it writes into the request by HTTP, where
	// none stands for all. Both in lower case, sorted.
	RequestHeaders, ResponseHeaders []string
	// MaxBody is how long a body may be that the Service gets; 0 for none.
	MaxBody int64
}

// readAuth reads the rule's ExternalAuth filter. Nothing about it is ever left
// out: requests that nobody let in would come through.
func (r *ruleReader) readAuth() {
	for i := range r.source.Filters {
		f := &r.source.Filters[i]
		if f.Type != gatewayv1.HTTPRouteFilterExternalAuth || f.ExternalAuth == nil {
			continue
		}
		field := fmt.Sprintf("%s.filters[%d].externalAuth", r.field, i)
		auth := &Auth{Index: i, Upstream: r.authUpstream(&f.ExternalAuth.BackendRef, field+".backendRef")}
		r.readAuthProtocol(f.ExternalAuth, auth, field)
		if f.ExternalAuth.ForwardBody != nil {
			auth.MaxBody = int64(f.ExternalAuth.ForwardBody.MaxSize)
		}
		r.hop.Auth, r.hop.wanted = auth, true
		r.refuseBesideAuth(field)
	}
}

// refuseBesideAuth refuses what nginx does on its own before the Service could
// be asked.
func (r *ruleReader) refuseBesideAuth(field string) {
	refuse := func(message string) {
		r.fault(diagnostic.UnsupportedAuth, field, message, "put it into a rule of its own")
	}
	if r.rule.Redirect != nil {
		refuse("redirects are answered by nginx, without asking who may see them")
	}
	if slices.ContainsFunc(r.source.Filters, func(f gatewayv1.HTTPRouteFilter) bool {
		return f.Type == gatewayv1.HTTPRouteFilterRequestMirror
	}) {
		refuse("copies of requests are sent by nginx, without asking which are let in")
	}
}

func (r *ruleReader) readAuthProtocol(f *gatewayv1.HTTPExternalAuthFilter, auth *Auth, field string) {
	switch {
	case f.ExternalAuthProtocol == gatewayv1.HTTPRouteExternalAuthGRPCProtocol:
		r.readAuthCall(f, auth, field)
		return
	case f.ExternalAuthProtocol != gatewayv1.HTTPRouteExternalAuthHTTPProtocol:
		r.fault(diagnostic.InvalidAuth, field+".protocol", fmt.Sprintf("%q is no protocol of authorization", f.ExternalAuthProtocol), "write HTTP or GRPC")
		return
	case f.GRPCAuthConfig != nil:
		r.fault(diagnostic.InvalidAuth, field+".grpc", "the protocol is HTTP", "write http instead of grpc")
		return
	case f.HTTPAuthConfig == nil:
		return
	}
	h := f.HTTPAuthConfig
	auth.RequestHeaders = r.readAuthHeaders(h.AllowedRequestHeaders, field+".http.allowedHeaders", sentToAuth)
	auth.RequestHeaders = slices.DeleteFunc(auth.RequestHeaders, func(name string) bool { return slices.Contains(sentToAuth, name) })
	auth.ResponseHeaders = r.readAuthHeaders(h.AllowedResponseHeaders, field+".http.allowedResponseHeaders", nil)
	auth.Path = h.Path
	switch fault := textFault(h.Path); {
	case fault != "":
		r.fault(diagnostic.InvalidText, field+".http.path", fault, "")
	case strings.ContainsAny(h.Path, "?#") || slices.ContainsFunc(strings.Split(h.Path, "/"), isDotSegment):
		r.fault(diagnostic.InvalidAuth, field+".http.path", fmt.Sprintf("%q is no beginning of a path", h.Path), "write a path like /auth")
	}
}

// isDotSegment finds what would lead out of the path.
func isDotSegment(segment string) bool {
	decoded := strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
	return decoded == "." || decoded == ".."
}

// sentToAuth are headers that the Service gets whether or not they are named
// (HTTPAuthConfig.allowedHeaders).
var sentToAuth = []string{"authorization", "content-length", "host"}

// describedToAuth are headers that frame a message, and that the Service is told of
// by GRPC as of any other.
var describedToAuth = []string{"content-length", "host"}

// readAuthCall reads what is asked by Envoy's protocol. A list that is not empty
// stays so: an empty one stands for all headers.
func (r *ruleReader) readAuthCall(f *gatewayv1.HTTPExternalAuthFilter, auth *Auth, field string) {
	auth.GRPC = true
	if f.HTTPAuthConfig != nil {
		r.fault(diagnostic.InvalidAuth, field+".http", "the protocol is GRPC", "write grpc instead of http")
	}
	if f.GRPCAuthConfig != nil {
		auth.RequestHeaders = r.readAuthHeaders(f.GRPCAuthConfig.AllowedRequestHeaders, field+".grpc.allowedHeaders", describedToAuth)
	}
}

// readAuthHeaders reads a list of names. Those allowed may be in it although they
// frame a message.
func (r *ruleReader) readAuthHeaders(list []string, field string, allowed []string) []string {
	var names []string
	for i, name := range list {
		lower, at := strings.ToLower(name), fmt.Sprintf("%s[%d]", field, i)
		switch {
		case slices.Contains(allowed, lower):
			names = append(names, lower)
		case slices.Contains(reservedHeaders, lower):
			r.fault(diagnostic.ReservedHeader, at, fmt.Sprintf("header %q belongs to the connection and cannot be passed on", name), "leave it out")
		case !isHeaderName(name):
			r.fault(diagnostic.UnaddressableHeader, at, fmt.Sprintf("nginx cannot address a header named %q", name), "names have letters, digits and hyphens")
		default:
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// authUpstream returns the upstream of the Service that decides. One that is not
// there has the sentinel that answers 500, so nobody is let in.
func (r *ruleReader) authUpstream(ref *gatewayv1.BackendObjectReference, field string) *Upstream {
	endpoints, problem := r.resolveBackend(ref, field)
	if problem != nil {
		r.unresolved = append(r.unresolved, *problem)
	}
	port, fault := serviceOf(ref, r.route.Namespace)
	if fault != nil {
		return r.namedUpstream(dnsLabel(r.route.Namespace, r.route.Name, r.words(), "auth"),
			[]share{{weight: 1, endpoints: []netip.AddrPort{invalidBackend}}})
	}
	return r.serviceUpstream(port, share{weight: 1, endpoints: endpoints})
}

// behindAuth has the hop do what nginx would do with requests on their way to
// the rule's backends: the Service that decides sees what the client sent.
func (h *Hop) behindAuth(rule *Rule) {
	if h.Auth == nil {
		return
	}
	h.Backends = slices.Clone(h.Backends)
	for i := range h.Backends {
		b := &h.Backends[i]
		b.RequestHeaders = slices.Concat(rule.RequestHeaders, b.RequestHeaders)
		if b.Rewrite == nil {
			b.Rewrite = rule.Rewrite
		}
	}
}
