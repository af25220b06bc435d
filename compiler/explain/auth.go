package explain

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
)

// authorize tells who decides whether the backends are asked. The time for the
// decision bounds requests that are bounded by nothing else.
func authorize(a *Answer, c nginx.Candidate) {
	if a.Status != 0 || c.Rule.Hop == nil || c.Rule.Hop.Auth == nil {
		return
	}
	auth := c.Rule.Hop.Auth
	ref := c.Route.HTTP.Spec.Rules[c.Rule.Index].Filters[auth.Index].ExternalAuth.BackendRef
	a.Authorizer = &Backend{Service: types.NamespacedName{Namespace: c.Route.Source.GetNamespace(), Name: string(ref.Name)}}
	if ref.Namespace != nil && *ref.Namespace != "" {
		a.Authorizer.Service.Namespace = string(*ref.Namespace)
	}
	if ref.Port != nil {
		a.Authorizer.Port = *ref.Port
	}
	if a.Deadline == 0 {
		a.Deadline = graph.AuthTimeout
	}
	stands := func(port uint16) bool {
		return slices.ContainsFunc(auth.Upstream.Endpoints, func(e bundle.Endpoint) bool { return e.Port == port })
	}
	switch {
	case stands(bundle.InvalidBackendPort):
		a.Status, a.Why = 500, "the Service that lets requests in cannot be asked (lint tells why)"
	case stands(bundle.NoEndpointsPort):
		a.Status, a.Why = 503, "the Service that lets requests in has no endpoints"
	}
}
