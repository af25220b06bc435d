package judgement

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// nearGateway keeps the routes that a changed Gateway may lose: those that mean a
// listener that is not as it was, and their rivals. All children count where
// more than their own listener decides about a route.
func (c Change) nearGateway(s snapshot.Snapshot) snapshot.Snapshot {
	key := snapshot.KeyOf(c.object())
	children := s.WhereRoutes(func(r snapshot.Route) bool { return isChildOf(r, key) })
	old, hadOld := c.Old.(*gatewayv1.Gateway)
	updated, hasNew := c.New.(*gatewayv1.Gateway)
	if !hadOld || !hasNew || !differInListenersAlone(old, updated) || s.ListenerSets.Len() > 0 ||
		namesCertificatesByRoute(old) || namesCertificatesByRoute(updated) || redirects(s) {
		return children
	}
	changed := changedListeners(old, updated)
	hosts := hostnames{}
	for _, r := range children.Routes() {
		if slices.ContainsFunc(changed, func(l gatewayv1.Listener) bool { return graph.MayAttach(r, key, &l) }) {
			hosts.add(r)
		}
	}
	return c.keep(children, hosts.shares)
}

func differInListenersAlone(old, updated *gatewayv1.Gateway) bool {
	was, is := old.Spec, updated.Spec
	was.Listeners, is.Listeners = nil, nil
	return equality.Semantic.DeepEqual(was, is) && maps.Equal(old.Annotations, updated.Annotations)
}

// namesCertificatesByRoute says that a listener's certificate is for the
// hostnames of its routes.
func namesCertificatesByRoute(g *gatewayv1.Gateway) bool {
	return slices.ContainsFunc(g.Spec.Listeners, func(l gatewayv1.Listener) bool {
		return l.Protocol == gatewayv1.HTTPSProtocolType && (l.Hostname == nil || *l.Hostname == "")
	})
}

// redirects says that listeners may redirect to others.
func redirects(s snapshot.Snapshot) bool {
	for _, config := range s.GatewayConfigs.All() {
		if config.Spec.HTTPSRedirect != nil {
			return true
		}
	}
	return false
}

// changedListeners are those that are not the same in both, in both forms, and
// all that share a port with them, as these may be in each other's way.
func changedListeners(old, updated *gatewayv1.Gateway) []gatewayv1.Listener {
	all := slices.Concat(old.Spec.Listeners, updated.Spec.Listeners)
	ports := map[gatewayv1.PortNumber]bool{}
	for _, l := range all {
		same := func(other gatewayv1.Listener) bool { return equality.Semantic.DeepEqual(l, other) }
		if !slices.ContainsFunc(old.Spec.Listeners, same) || !slices.ContainsFunc(updated.Spec.Listeners, same) {
			ports[l.Port] = true
		}
	}
	return slices.DeleteFunc(all, func(l gatewayv1.Listener) bool { return !ports[l.Port] })
}
