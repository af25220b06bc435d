package judgement

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// narrow leaves out of the snapshot what the change cannot touch, and what can
// not bear on its object: of thousands of routes, mostly all but a few. What is
// judged is the same (TestNarrowJudgesTheSame). Gateways and what they depend
// on always stay: there are few, and everything depends on them.
func (c Change) narrow(s snapshot.Snapshot) snapshot.Snapshot {
	key := snapshot.KeyOf(c.object())
	switch c.Kind {
	case "HTTPRoute", "GRPCRoute":
		s = c.rivals(s)
	case "TLSRoute", "TCPRoute", "UDPRoute":
		// No listener has routes of HTTP beside them.
		s.HTTPRoutes, s.GRPCRoutes = snapshot.Set[*gatewayv1.HTTPRoute]{}, snapshot.Set[*gatewayv1.GRPCRoute]{}
	case "BackendTLSPolicy":
		s = c.keep(s, refersTo(func(service types.NamespacedName) bool { return service.Namespace == key.Namespace }))
	case "Gateway":
		s = c.nearGateway(s)
	case "Service":
		s = c.keep(s, refersTo(func(service types.NamespacedName) bool { return service == key }))
	case "ReferenceGrant":
		refers := refersTo(func(service types.NamespacedName) bool { return service.Namespace == key.Namespace })
		s = c.keep(s, func(r snapshot.Route) bool { return r.GetNamespace() != key.Namespace && refers(r) })
	case "Secret":
		s = s.WhereRoutes(func(snapshot.Route) bool { return false })
	case "WebSocketPolicy":
		s.WebSocketPolicies = s.WebSocketPolicies.Where(func(p *v1alpha1.WebSocketPolicy) bool { return p.Namespace == key.Namespace })
		return s.WhereRoutes(func(r snapshot.Route) bool { return r.GetNamespace() == key.Namespace })
	default:
		return s
	}
	// They decide nothing about others.
	s.WebSocketPolicies = snapshot.Set[*v1alpha1.WebSocketPolicy]{}
	return s
}

// isChildOf says that a parentRef means the Gateway, or what is no Gateway and
// may be attached to one.
func isChildOf(r snapshot.Route, gateway types.NamespacedName) bool {
	return slices.ContainsFunc(r.ParentRefs, func(ref gatewayv1.ParentReference) bool {
		return ref.Kind != nil && *ref.Kind != "Gateway" ||
			string(ref.Name) == gateway.Name && namespaceOf(ref.Namespace, r.GetNamespace()) == gateway.Namespace
	})
}

func namespaceOf(written *gatewayv1.Namespace, own string) string {
	if written == nil || *written == "" {
		return own
	}
	return string(*written)
}

// refersTo finds routes that send something to Services of which some are meant.
func refersTo(meant func(service types.NamespacedName) bool) func(snapshot.Route) bool {
	return func(r snapshot.Route) bool {
		return slices.ContainsFunc(r.BackendRefs(), func(ref gatewayv1.BackendObjectReference) bool {
			return meant(types.NamespacedName{Namespace: namespaceOf(ref.Namespace, r.GetNamespace()), Name: string(ref.Name)})
		})
	}
}

// rivals keeps the routes that may want the same requests as the changed one,
// before or after, and those that may want the same as these: who gets them
// decides what is said of a route.
func (c Change) rivals(s snapshot.Snapshot) snapshot.Snapshot {
	hosts := hostnames{}
	for _, o := range []metav1.Object{c.Old, c.New} {
		if r, ok := snapshot.RouteOf(o); ok {
			hosts.add(r)
		}
	}
	for _, r := range s.WhereRoutes(hosts.shares).Routes() {
		hosts.add(r)
	}
	return c.keep(s, hosts.shares)
}

// hostnames are those that routes name, in lower case; "" stands for routes that
// name none.
type hostnames map[string]bool

func (h hostnames) add(r snapshot.Route) {
	if len(r.Hostnames) == 0 {
		h[""] = true
	}
	for _, name := range r.Hostnames {
		h[strings.ToLower(string(name))] = true
	}
}

func (h hostnames) shares(r snapshot.Route) bool {
	if len(r.Hostnames) == 0 {
		return h[""]
	}
	return slices.ContainsFunc(r.Hostnames, func(name gatewayv1.Hostname) bool { return h[strings.ToLower(string(name))] })
}
