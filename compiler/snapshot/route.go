package snapshot

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Route is what all kinds of routes have in common.
type Route struct {
	metav1.Object
	Kind       string
	ParentRefs []gatewayv1.ParentReference
	// Hostnames as written; TCPRoutes and UDPRoutes have none.
	Hostnames []gatewayv1.Hostname
	// Parents as the status has them, ours and those of others.
	Parents []gatewayv1.RouteParentStatus
}

// RouteKey names a route.
type RouteKey struct {
	Kind string
	types.NamespacedName
}

// String is "HTTPRoute blog/whoami".
func (k RouteKey) String() string { return k.Kind + " " + k.NamespacedName.String() }

// RouteKey returns what names the route.
func (r Route) RouteKey() RouteKey { return RouteKey{Kind: r.Kind, NamespacedName: KeyOf(r)} }

// RouteOf returns what the object has in common with other routes; false where
// it is none.
func RouteOf(object metav1.Object) (Route, bool) {
	switch o := object.(type) {
	case *gatewayv1.HTTPRoute:
		return Route{o, "HTTPRoute", o.Spec.ParentRefs, o.Spec.Hostnames, o.Status.Parents}, true
	case *gatewayv1.GRPCRoute:
		return Route{o, "GRPCRoute", o.Spec.ParentRefs, o.Spec.Hostnames, o.Status.Parents}, true
	case *gatewayv1.TLSRoute:
		return Route{o, "TLSRoute", o.Spec.ParentRefs, o.Spec.Hostnames, o.Status.Parents}, true
	case *gatewayv1.TCPRoute:
		return Route{o, "TCPRoute", o.Spec.ParentRefs, nil, o.Status.Parents}, true
	case *gatewayv1.UDPRoute:
		return Route{o, "UDPRoute", o.Spec.ParentRefs, nil, o.Status.Parents}, true
	}
	return Route{}, false
}

// Routes are the routes of all kinds, by kind, namespace and name.
func (s Snapshot) Routes() []Route {
	all := make([]Route, 0, s.GRPCRoutes.Len()+s.HTTPRoutes.Len()+s.TCPRoutes.Len()+s.TLSRoutes.Len()+s.UDPRoutes.Len())
	all = appendRoutes(all, s.GRPCRoutes)
	all = appendRoutes(all, s.HTTPRoutes)
	all = appendRoutes(all, s.TCPRoutes)
	all = appendRoutes(all, s.TLSRoutes)
	return appendRoutes(all, s.UDPRoutes)
}

func appendRoutes[T metav1.Object](all []Route, of Set[T]) []Route {
	for _, o := range of.All() {
		if route, ok := RouteOf(o); ok {
			all = append(all, route)
		}
	}
	return all
}

// WhereRoutes returns a snapshot with those routes only that are to be kept.
func (s Snapshot) WhereRoutes(keep func(Route) bool) Snapshot {
	s.GRPCRoutes = whereRoutes(s.GRPCRoutes, keep)
	s.HTTPRoutes = whereRoutes(s.HTTPRoutes, keep)
	s.TCPRoutes = whereRoutes(s.TCPRoutes, keep)
	s.TLSRoutes = whereRoutes(s.TLSRoutes, keep)
	s.UDPRoutes = whereRoutes(s.UDPRoutes, keep)
	return s
}

func whereRoutes[T metav1.Object](of Set[T], keep func(Route) bool) Set[T] {
	return of.Where(func(o T) bool {
		route, ok := RouteOf(o)
		return ok && keep(route)
	})
}

// Route returns the route of that name.
func (s Snapshot) Route(key RouteKey) (Route, bool) {
	var o metav1.Object
	var ok bool
	switch key.Kind {
	case "GRPCRoute":
		o, ok = s.GRPCRoutes.Get(key.Namespace, key.Name)
	case "HTTPRoute":
		o, ok = s.HTTPRoutes.Get(key.Namespace, key.Name)
	case "TCPRoute":
		o, ok = s.TCPRoutes.Get(key.Namespace, key.Name)
	case "TLSRoute":
		o, ok = s.TLSRoutes.Get(key.Namespace, key.Name)
	case "UDPRoute":
		o, ok = s.UDPRoutes.Get(key.Namespace, key.Name)
	}
	if !ok {
		return Route{}, false
	}
	return RouteOf(o)
}

// Services returns the Services that the route names, each once.
func (r Route) Services() []types.NamespacedName {
	var services []types.NamespacedName
	for _, ref := range r.BackendRefs() {
		service := types.NamespacedName{Namespace: r.GetNamespace(), Name: string(ref.Name)}
		if ref.Namespace != nil && *ref.Namespace != "" {
			service.Namespace = string(*ref.Namespace)
		}
		if !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	return services
}

// BackendRefs are what the route sends requests or connections to, copies of
// requests and questions whether to let them in among them.
func (r Route) BackendRefs() []gatewayv1.BackendObjectReference {
	var all []gatewayv1.BackendObjectReference
	plain := func(refs []gatewayv1.BackendRef) {
		for i := range refs {
			all = append(all, refs[i].BackendObjectReference)
		}
	}
	switch o := r.Object.(type) {
	case *gatewayv1.HTTPRoute:
		for _, rule := range o.Spec.Rules {
			for i := range rule.BackendRefs {
				all = append(all, rule.BackendRefs[i].BackendObjectReference)
				all = append(all, ofFilters(rule.BackendRefs[i].Filters)...)
			}
			all = append(all, ofFilters(rule.Filters)...)
		}
	case *gatewayv1.GRPCRoute:
		for _, rule := range o.Spec.Rules {
			for i := range rule.BackendRefs {
				all = append(all, rule.BackendRefs[i].BackendObjectReference)
			}
			for _, f := range rule.Filters {
				if f.RequestMirror != nil {
					all = append(all, f.RequestMirror.BackendRef)
				}
			}
		}
	case *gatewayv1.TLSRoute:
		for _, rule := range o.Spec.Rules {
			plain(rule.BackendRefs)
		}
	case *gatewayv1.TCPRoute:
		for _, rule := range o.Spec.Rules {
			plain(rule.BackendRefs)
		}
	case *gatewayv1.UDPRoute:
		for _, rule := range o.Spec.Rules {
			plain(rule.BackendRefs)
		}
	}
	return all
}

// ofFilters are those that filters refer to.
func ofFilters(filters []gatewayv1.HTTPRouteFilter) []gatewayv1.BackendObjectReference {
	var all []gatewayv1.BackendObjectReference
	for _, f := range filters {
		if f.RequestMirror != nil {
			all = append(all, f.RequestMirror.BackendRef)
		}
		if f.ExternalAuth != nil {
			all = append(all, f.ExternalAuth.BackendRef)
		}
	}
	return all
}
