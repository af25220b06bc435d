package judgement

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// TestNarrowJudgesTheSame draws small clusters, in which nearly everything has
// to do with everything, and changes of them.
func TestNarrowJudgesTheSame(t *testing.T) {
	t.Parallel()
	const draws = 8000
	told := map[string]int{}
	for seed := range uint64(draws) {
		d := drawing{rand.New(rand.NewPCG(seed, 1))}
		s := d.cluster()
		c := d.change(s)
		narrowed, whole := Of(c, s), c.judge(s)
		if diff := cmp.Diff(whole, narrowed); diff != "" {
			t.Fatalf("seed %d, %s %s/%s (-by the whole cluster +by what is near):\n%s",
				seed, c.Kind, c.object().GetNamespace(), c.object().GetName(), diff)
		}
		if len(whole.Denials)+len(whole.Warnings) > 0 {
			told[c.Kind+" itself"]++
		}
		if len(whole.Losses) > 0 {
			told[c.Kind+" losses"]++
		}
	}
	// Else the test would not show much.
	for _, what := range []string{
		"HTTPRoute itself", "HTTPRoute losses", "Gateway itself", "Gateway losses", "Service losses",
		"ReferenceGrant losses", "Secret losses", "GatewayConfig losses", "GatewayClass losses", "WebSocketPolicy itself",
		"GRPCRoute itself", "TLSRoute itself", "TCPRoute itself", "UDPRoute itself", "ListenerSet itself", "BackendTLSPolicy itself",
	} {
		if told[what] == 0 {
			t.Errorf("%s: told %d times in %d changes", what, told[what], draws)
		}
	}
	t.Log(told)
}

// drawing draws objects of few names, so that they meet.
type drawing struct{ *rand.Rand }

func pick[T any](d drawing, from ...T) T { return from[d.IntN(len(from))] }

func (d drawing) some(most int, one func(int)) {
	for i := range d.IntN(most + 1) {
		one(i)
	}
}

func (d drawing) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: pick(d, "a", "b"), Name: name, Generation: 1,
		CreationTimestamp: metav1.NewTime(time.Unix(int64(d.IntN(4)), 0)),
	}
}

func (d drawing) cluster() snapshot.Snapshot {
	s := snapshot.Snapshot{SecretsUnknown: true}
	for _, name := range []string{"a", "b"} {
		s = s.With(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	for _, name := range []string{"ours", "theirs"} {
		s = s.With(d.class(name))
	}
	d.some(3, func(int) { s = s.With(d.gateway()) })
	d.some(8, func(int) { s = s.With(d.route()) })
	d.some(4, func(int) { s = s.With(d.service()) })
	d.some(3, func(int) { s = s.With(d.grant()) })
	d.some(3, func(int) { s = s.With(d.policy()) })
	d.some(2, func(int) { s = s.With(d.config()) })
	return d.furtherKinds(s)
}

// change draws a creation, an update or a deletion.
func (d drawing) change(s snapshot.Snapshot) Change {
	draws := []struct {
		kind string
		draw func() metav1.Object
	}{
		{"HTTPRoute", func() metav1.Object { return d.route() }},
		{"HTTPRoute", func() metav1.Object { return d.route() }},
		{"HTTPRoute", func() metav1.Object { return d.route() }},
		{"HTTPRoute", func() metav1.Object { return d.route() }},
		{"Gateway", func() metav1.Object { return d.gateway() }},
		{"Gateway", func() metav1.Object { return d.gateway() }},
		{"Service", func() metav1.Object { return d.service() }},
		{"ReferenceGrant", func() metav1.Object { return d.grant() }},
		{"WebSocketPolicy", func() metav1.Object { return d.policy() }},
		{"GatewayConfig", func() metav1.Object { return d.config() }},
		{"Secret", func() metav1.Object { return &metav1.PartialObjectMetadata{ObjectMeta: d.meta(pick(d, "x", "y"))} }},
		{"GRPCRoute", func() metav1.Object { return d.grpcRoute() }},
		{"TLSRoute", func() metav1.Object { return d.tlsRoute() }},
		{"TCPRoute", func() metav1.Object { return d.tcpRoute() }},
		{"UDPRoute", func() metav1.Object { return d.udpRoute() }},
		{"ListenerSet", func() metav1.Object { return d.listenerSet() }},
		{"BackendTLSPolicy", func() metav1.Object { return d.tlsPolicy() }},
		{"GatewayClass", func() metav1.Object { return d.class(pick(d, "ours", "theirs")) }},
	}
	kind := draws[d.IntN(len(draws))]
	c := Change{Kind: kind.kind, New: kind.draw()}
	old := kind.draw()
	old.SetNamespace(c.New.GetNamespace())
	old.SetName(c.New.GetName())
	if existing, ok := s.Existing(c.New); ok && d.IntN(4) > 0 {
		old = existing
	}
	switch {
	case c.Kind == "Secret" || d.IntN(4) == 0:
		c.Old, c.New = old, nil
	case d.IntN(3) > 0:
		c.New.SetCreationTimestamp(old.GetCreationTimestamp())
		c.Old = old
	}
	return c
}

func (d drawing) class(name string) *gatewayv1.GatewayClass {
	c := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	c.Spec.ControllerName = gatewayv1.GatewayController(pick(d, v1alpha1.ControllerName, v1alpha1.ControllerName, "example.org/controller"))
	if d.IntN(3) == 0 {
		c.Spec.ParametersRef = &gatewayv1.ParametersReference{
			Group: "gatewright.dev", Kind: "GatewayConfig", Namespace: new(gatewayv1.Namespace("a")), Name: pick(d, "c1", "c2"),
		}
	}
	return c
}

var drawnHostnames = []gatewayv1.Hostname{"a.example.net", "b.example.net", "C.example.net", "*.example.net", "a.example.org", "no/host"}

func (d drawing) gateway() *gatewayv1.Gateway {
	g := &gatewayv1.Gateway{ObjectMeta: d.meta(pick(d, "g1", "g2"))}
	g.Spec.GatewayClassName = gatewayv1.ObjectName(pick(d, "ours", "ours", "theirs"))
	if d.IntN(4) == 0 {
		g.Annotations = map[string]string{"cert-manager.io/cluster-issuer": "i"}
	}
	if d.IntN(3) == 0 {
		g.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
			Group: "gatewright.dev", Kind: "GatewayConfig", Name: pick(d, "c1", "c2"),
		}}
	}
	if d.IntN(2) == 0 {
		g.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromAll)}}
	}
	for i := range 1 + d.IntN(3) {
		g.Spec.Listeners = append(g.Spec.Listeners, d.listener(fmt.Sprintf("l%d", i)))
	}
	return g
}

func (d drawing) listener(name string) gatewayv1.Listener {
	l := gatewayv1.Listener{
		Name: gatewayv1.SectionName(name), Port: pick[int32](d, 80, 81, 443),
		Protocol: pick(d, gatewayv1.HTTPProtocolType, gatewayv1.HTTPProtocolType, gatewayv1.HTTPProtocolType, gatewayv1.HTTPSProtocolType,
			gatewayv1.HTTPSProtocolType, gatewayv1.TCPProtocolType, gatewayv1.TLSProtocolType, gatewayv1.UDPProtocolType),
	}
	if d.IntN(2) == 0 {
		l.Hostname = new(pick(d, drawnHostnames...))
	}
	if d.IntN(3) > 0 {
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromAll)}}
	}
	terminates := l.Protocol == gatewayv1.HTTPSProtocolType || l.Protocol == gatewayv1.TLSProtocolType
	switch {
	case terminates && d.IntN(3) > 0:
		l.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{
			Name: gatewayv1.ObjectName(pick(d, "x", "y")), Namespace: d.namespace(),
		}}}
	case l.Protocol == gatewayv1.TLSProtocolType:
		l.TLS = &gatewayv1.ListenerTLSConfig{Mode: new(gatewayv1.TLSModePassthrough)}
	}
	return l
}

// namespace is none in half of the cases: the object's own.
func (d drawing) namespace() *gatewayv1.Namespace {
	return pick(d, nil, nil, new(gatewayv1.Namespace("a")), new(gatewayv1.Namespace("b")))
}

func (d drawing) parents() []gatewayv1.ParentReference {
	var refs []gatewayv1.ParentReference
	for range 1 + d.IntN(2) {
		ref := gatewayv1.ParentReference{Name: gatewayv1.ObjectName(pick(d, "g1", "g1", "g2", "g3")), Namespace: d.namespace()}
		if d.IntN(4) == 0 {
			ref.SectionName = new(gatewayv1.SectionName(pick(d, "l0", "l1")))
		}
		if d.IntN(6) == 0 {
			ref.Kind, ref.Name = new(gatewayv1.Kind("ListenerSet")), gatewayv1.ObjectName(pick(d, "t1", "t2"))
		}
		refs = append(refs, ref)
	}
	return refs
}

func (d drawing) backend() gatewayv1.BackendObjectReference {
	return gatewayv1.BackendObjectReference{
		Name: gatewayv1.ObjectName(pick(d, "s1", "s2", "s3")), Namespace: d.namespace(), Port: new(pick[int32](d, 80, 81)),
	}
}

func (d drawing) route() *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: d.meta(pick(d, "r1", "r2", "r3", "r4"))}
	r.Spec.ParentRefs = d.parents()
	d.some(2, func(int) { r.Spec.Hostnames = append(r.Spec.Hostnames, pick(d, drawnHostnames...)) })
	for i := range 1 + d.IntN(2) {
		rule := gatewayv1.HTTPRouteRule{Name: new(gatewayv1.SectionName(fmt.Sprintf("rule-%d", i)))}
		d.some(2, func(int) {
			m := gatewayv1.HTTPRouteMatch{Path: &gatewayv1.HTTPPathMatch{
				Type: new(gatewayv1.PathMatchPathPrefix), Value: new(pick(d, "/a", "/b", "/b")),
			}}
			if d.IntN(6) == 0 {
				m.Path = &gatewayv1.HTTPPathMatch{Type: new(gatewayv1.PathMatchRegularExpression), Value: new(pick(d, "/(", "/[", "/a+"))}
			}
			rule.Matches = append(rule.Matches, m)
		})
		d.some(2, func(int) {
			rule.BackendRefs = append(rule.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: gatewayv1.BackendRef{BackendObjectReference: d.backend()}})
		})
		if d.IntN(6) == 0 {
			rule.Filters = append(rule.Filters, gatewayv1.HTTPRouteFilter{
				Type: gatewayv1.HTTPRouteFilterRequestMirror, RequestMirror: &gatewayv1.HTTPRequestMirrorFilter{BackendRef: d.backend()},
			})
		}
		r.Spec.Rules = append(r.Spec.Rules, rule)
	}
	return r
}

func (d drawing) service() *corev1.Service {
	s := &corev1.Service{ObjectMeta: d.meta(pick(d, "s1", "s2", "s3"))}
	s.Spec.Type = pick(d, corev1.ServiceTypeClusterIP, corev1.ServiceTypeClusterIP, corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName)
	s.Spec.Ports = []corev1.ServicePort{{Port: pick[int32](d, 80, 80, 81)}}
	return s
}

func (d drawing) grant() *gatewayv1.ReferenceGrant {
	g := &gatewayv1.ReferenceGrant{ObjectMeta: d.meta(pick(d, "x1", "x2"))}
	g.Spec.From = []gatewayv1.ReferenceGrantFrom{
		{Group: gatewayv1.GroupName, Kind: pick[gatewayv1.Kind](d, "HTTPRoute", "HTTPRoute", "Gateway"), Namespace: pick[gatewayv1.Namespace](d, "a", "b")},
	}
	g.Spec.To = []gatewayv1.ReferenceGrantTo{{Kind: "Service"}, {Kind: "Secret"}}
	return g
}

func (d drawing) policy() *v1alpha1.WebSocketPolicy {
	p := &v1alpha1.WebSocketPolicy{ObjectMeta: d.meta(pick(d, "p1", "p2", "p3"))}
	for range 1 + d.IntN(2) {
		ref := gatewayv1.LocalPolicyTargetReferenceWithSectionName{LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{
			Group: gatewayv1.GroupName, Kind: "HTTPRoute", Name: gatewayv1.ObjectName(pick(d, "r1", "r2", "r9")),
		}}
		if d.IntN(3) == 0 {
			ref.SectionName = new(gatewayv1.SectionName(pick(d, "rule-0", "rule-1")))
		}
		p.Spec.TargetRefs = append(p.Spec.TargetRefs, ref)
	}
	p.Spec.DrainTimeout = pick(d, nil, new(gatewayv1.Duration("2h")))
	return p
}

func (d drawing) config() *v1alpha1.GatewayConfig {
	c := &v1alpha1.GatewayConfig{ObjectMeta: d.meta(pick(d, "c1", "c2"))}
	c.Spec.DrainTimeout = pick(d, nil, new(gatewayv1.Duration("1h")), new(gatewayv1.Duration("never")))
	c.Spec.HTTPSRedirect = pick(d, nil, &v1alpha1.HTTPSRedirect{Enabled: true})
	return c
}
