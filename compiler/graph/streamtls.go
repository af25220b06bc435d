package graph

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// backendTLS returns how BackendTLSPolicies want the rule's backends to be
// spoken to, where their connections come decrypted; nil for plain text. refused
// says that nginx cannot: a policy is invalid, or they do not all want the same.
// Only TLSRoutes have such policies (Gateway API, TLSRouteRule.backendRefs).
func (r *streamReader) backendTLS() (tls *BackendTLS, refused bool) {
	if r.route.Source.Kind != "TLSRoute" {
		return nil, false
	}
	first := true
	for i := range r.source.backends {
		s, ok := r.usableService(&r.source.backends[i])
		if !ok {
			continue
		}
		if s.untrusted || !first && s.tls != tls {
			return nil, true
		}
		tls, first = s.tls, false
	}
	return tls, false
}

// usableService returns the Service of a backend that connections go to.
func (r *streamReader) usableService(ref *gatewayv1.BackendRef) (service, bool) {
	port, fault := serviceOf(&ref.BackendObjectReference, r.route.Source.GetNamespace())
	if fault != nil || weightOf(ref) == 0 {
		return service{}, false
	}
	port.stream = true
	s := r.service(port)
	return s, s.fault == nil
}

// findStreamsWithoutTLS warns of TLSRoutes whose connections are closed, since
// they are decrypted and nginx cannot speak TLS to their backends as it should.
func (b *builder) findStreamsWithoutTLS() {
	for _, g := range b.g.Gateways {
		told := map[*Route]bool{}
		for _, l := range g.Listeners {
			if !l.TLS || !l.IsStream() {
				continue
			}
			for _, a := range l.Routes {
				if why := a.Route.LacksBackendTLS(); why != "" && !told[a.Route] {
					told[a.Route] = true
					b.report(a.Route.Source.Kind, a.Route.Source, diagnostic.InvalidBackendTLS.At("spec.rules[0].backendRefs",
						fmt.Sprintf("%s, so connections from listener %q are closed", why, l.Source.Name), ""))
				}
			}
		}
	}
}

// LacksBackendTLS says why nginx cannot speak to the route's backends by TLS as
// BackendTLSPolicies want it to; empty where it can, or none does.
func (r *Route) LacksBackendTLS() string {
	if len(r.Rules) == 0 {
		return ""
	}
	u := r.Rules[0].Upstream
	switch {
	case u.Refused:
		return "the backends' BackendTLSPolicies are invalid, or differ"
	case u.TLS != nil && u.TLS.HasAltNames():
		return "the backend's BackendTLSPolicy has subjectAltNames, which are not checked for streams"
	}
	return ""
}
