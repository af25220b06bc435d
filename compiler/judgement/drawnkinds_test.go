package judgement

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// furtherKinds adds what stands beside HTTPRoutes, in few enough clusters that
// the others stay simple.
func (d drawing) furtherKinds(s snapshot.Snapshot) snapshot.Snapshot {
	if d.IntN(2) == 0 {
		d.some(4, func(int) { s = s.With(d.grpcRoute()) })
	}
	if d.IntN(3) == 0 {
		d.some(2, func(int) { s = s.With(d.tlsRoute()) })
		d.some(2, func(int) { s = s.With(d.tcpRoute()) })
		d.some(2, func(int) { s = s.With(d.udpRoute()) })
	}
	if d.IntN(3) == 0 {
		d.some(3, func(int) { s = s.With(d.listenerSet()) })
	}
	if d.IntN(3) == 0 {
		d.some(2, func(int) { s = s.With(d.tlsPolicy()) })
	}
	return s
}

// drawnNames are those of routes of all kinds.
var drawnNames = []string{"r1", "r2", "r3"}

func (d drawing) common() (metav1.ObjectMeta, gatewayv1.CommonRouteSpec) {
	return d.meta(pick(d, drawnNames...)), gatewayv1.CommonRouteSpec{ParentRefs: d.parents()}
}

func (d drawing) hostnames() []gatewayv1.Hostname {
	var names []gatewayv1.Hostname
	d.some(2, func(int) { names = append(names, pick(d, drawnHostnames...)) })
	return names
}

func (d drawing) backends() []gatewayv1.BackendRef {
	var refs []gatewayv1.BackendRef
	d.some(2, func(int) { refs = append(refs, gatewayv1.BackendRef{BackendObjectReference: d.backend()}) })
	return refs
}

func (d drawing) grpcRoute() *gatewayv1.GRPCRoute {
	r := &gatewayv1.GRPCRoute{}
	r.ObjectMeta, r.Spec.CommonRouteSpec = d.common()
	r.Spec.Hostnames = d.hostnames()
	for range 1 + d.IntN(2) {
		var rule gatewayv1.GRPCRouteRule
		for _, ref := range d.backends() {
			rule.BackendRefs = append(rule.BackendRefs, gatewayv1.GRPCBackendRef{BackendRef: ref})
		}
		d.some(2, func(int) {
			rule.Matches = append(rule.Matches, gatewayv1.GRPCRouteMatch{Method: &gatewayv1.GRPCMethodMatch{
				Service: new(pick(d, "shop.Shop", "shop.Stock")),
			}})
		})
		r.Spec.Rules = append(r.Spec.Rules, rule)
	}
	return r
}

func (d drawing) tlsRoute() *gatewayv1.TLSRoute {
	r := &gatewayv1.TLSRoute{}
	r.ObjectMeta, r.Spec.CommonRouteSpec = d.common()
	r.Spec.Hostnames = d.hostnames()
	r.Spec.Rules = []gatewayv1.TLSRouteRule{{BackendRefs: d.backends()}}
	return r
}

func (d drawing) tcpRoute() *gatewayv1.TCPRoute {
	r := &gatewayv1.TCPRoute{}
	r.ObjectMeta, r.Spec.CommonRouteSpec = d.common()
	r.Spec.Rules = []gatewayv1.TCPRouteRule{{BackendRefs: d.backends()}}
	return r
}

func (d drawing) udpRoute() *gatewayv1.UDPRoute {
	r := &gatewayv1.UDPRoute{}
	r.ObjectMeta, r.Spec.CommonRouteSpec = d.common()
	r.Spec.Rules = []gatewayv1.UDPRouteRule{{BackendRefs: d.backends()}}
	return r
}

func (d drawing) listenerSet() *gatewayv1.ListenerSet {
	s := &gatewayv1.ListenerSet{ObjectMeta: d.meta(pick(d, "t1", "t2"))}
	s.Spec.ParentRef = gatewayv1.ParentGatewayReference{Name: gatewayv1.ObjectName(pick(d, "g1", "g2")), Namespace: d.namespace()}
	for i := range 1 + d.IntN(2) {
		s.Spec.Listeners = append(s.Spec.Listeners, gatewayv1.ListenerEntry(d.listener(fmt.Sprintf("l%d", i))))
	}
	return s
}

func (d drawing) tlsPolicy() *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: d.meta(pick(d, "p1", "p2"))}
	p.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{{LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{
		Kind: "Service", Name: gatewayv1.ObjectName(pick(d, "s1", "s2", "s9")),
	}}}
	p.Spec.Validation.Hostname = "s.example.net"
	if d.IntN(2) == 0 {
		p.Spec.Validation.WellKnownCACertificates = new(gatewayv1.WellKnownCACertificatesSystem)
	}
	return p
}
