package explain

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
)

// ofStream explains a request in a connection that nginx passes on as it is.
func ofStream(g *graph.Gateway, s nginx.Stream, r Request) Explanation {
	e := Explanation{Gateway: g.Key(), Request: r}
	if s.Listener == nil {
		e.Answer = Answer{Closed: true, Why: fmt.Sprintf("no listener has the server name %q", r.ServerName)}
		return e
	}
	e.Listener = string(s.Listener.Source.Name)
	if owner := s.Listener.Owner; owner.Kind == "ListenerSet" {
		e.ListenerSet = owner.Key()
	}
	switch {
	case s.Listener.TLS && !r.TLS:
		e.Answer = Answer{Closed: true, Why: "the port speaks TLS, and the client does not"}
		return e
	case s.Rule == nil:
		e.Answer = Answer{Closed: true, Why: "no route has such connections"}
		return e
	}
	key := s.Route.Source.RouteKey()
	e.PassedOnBy = &key
	for _, ref := range s.Route.StreamBackends(s.Rule) {
		if b := streamBackend(ref, key.Namespace); b.Weight > 0 {
			e.Answer.Backends = append(e.Answer.Backends, b)
		}
	}
	e.Answer.ClientCertificate = s.Listener.ClientValidation != nil && !s.Listener.ClientValidation.Insecure
	switch {
	case len(e.Answer.Backends) == 0:
		e.Answer = Answer{Closed: true, Why: "the rule has no backend with a weight above 0"}
	case s.Listener.TLS && s.Route.LacksBackendTLS() != "":
		e.Answer = Answer{Closed: true, Why: s.Route.LacksBackendTLS()}
	case s.Listener.TLS && s.Rule.Upstream.TLS != nil:
		e.Answer.Why = fmt.Sprintf("to which the connection is passed on by TLS, if the certificate is what BackendTLSPolicy %s asks for", s.Rule.Upstream.TLS.Policy)
	case s.Listener.TLS:
		e.Answer.Why = "to which the connection is passed on decrypted"
	default:
		e.Answer.Why = "to which the connection is passed on as it is"
	}
	return e
}

func streamBackend(ref gatewayv1.BackendRef, namespace string) Backend {
	b := Backend{Service: types.NamespacedName{Namespace: namespace, Name: string(ref.Name)}, Weight: 1}
	if ref.Namespace != nil && *ref.Namespace != "" {
		b.Service.Namespace = string(*ref.Namespace)
	}
	if ref.Port != nil {
		b.Port = *ref.Port
	}
	if ref.Weight != nil {
		b.Weight = *ref.Weight
	}
	return b
}

// serverName is what the client says before it says anything else; empty without
// TLS.
func (r Request) serverName() string {
	if !r.TLS {
		return ""
	}
	return r.ServerName
}
