package premise

import (
	"cmp"
	"fmt"
	"slices"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/manifest"
)

// assumption gathers stand-ins for what the manifests refer to and leave to
// others. They are taken to speak of a kind in a namespace as soon as they have
// one object of it there: then another one that they refer to is missing. What
// they do not speak of is taken to be as they expect it.
type assumption struct {
	given, made snapshot.Snapshot
	named       []diagnostic.Object
}

func (a *assumption) assume(kind string, o metav1.Object) {
	if _, ok := a.made.Existing(o); ok {
		return
	}
	a.named = append(a.named, diagnostic.Object{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()})
	a.made = a.made.With(o)
}

// classes stand for the GatewayClasses of ours that Gateways name.
func (a *assumption) classes(names []string) {
	for _, name := range names {
		class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
		class.Spec.ControllerName = v1alpha1.ControllerName
		if _, ok := a.made.Existing(class); !ok {
			// No manifest of a user's has it, so it is not worth a word.
			a.made = a.made.With(class)
		}
	}
}

// referredTo makes stand-ins for what the object refers to.
func (a *assumption) referredTo(o metav1.Object) {
	if route, ok := snapshot.RouteOf(o); ok {
		a.routeRefs(route)
	}
	switch o := o.(type) {
	case *gatewayv1.GatewayClass:
		if ref := o.Spec.ParametersRef; ref != nil && ref.Namespace != nil {
			a.config(string(ref.Kind), string(*ref.Namespace), ref.Name)
		}
	case *gatewayv1.Gateway:
		a.gatewayRefs(o)
	case *gatewayv1.ListenerSet:
		a.listenerSetRefs(o)
	case *gatewayv1.BackendTLSPolicy:
		a.backendTLSRefs(o)
	case *v1alpha1.WebSocketPolicy:
		for _, ref := range o.Spec.TargetRefs {
			if ref.Kind == "HTTPRoute" && len(a.given.HTTPRoutes.InNamespace(o.Namespace)) == 0 {
				a.assume("HTTPRoute", &gatewayv1.HTTPRoute{ObjectMeta: named(o.Namespace, string(ref.Name))})
			}
		}
	}
}

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func (a *assumption) config(kind, namespace, name string) {
	if kind == "GatewayConfig" && len(a.given.GatewayConfigs.InNamespace(namespace)) == 0 {
		a.assume(kind, &v1alpha1.GatewayConfig{ObjectMeta: named(namespace, name)})
	}
}

// issuer stands for an issuer of cert-manager's, which can issue whatever it is
// asked for.
func (a *assumption) issuer(kind, namespace, name string) {
	switch {
	case name == "":
	case kind == cmv1.ClusterIssuerKind && a.given.ClusterIssuers.Len() == 0:
		a.assume(kind, &cmv1.ClusterIssuer{ObjectMeta: named("", name)})
	case kind == cmv1.IssuerKind && len(a.given.Issuers.InNamespace(namespace)) == 0:
		a.assume(kind, &cmv1.Issuer{ObjectMeta: named(namespace, name)})
	}
}

func (a *assumption) gatewayRefs(g *gatewayv1.Gateway) {
	a.certificateRefs(graph.OwnerOf(g))
	if i := g.Spec.Infrastructure; i != nil && i.ParametersRef != nil {
		a.config(string(i.ParametersRef.Kind), g.Namespace, i.ParametersRef.Name)
	}
	for _, ref := range graph.ClientAuthorityRefs(g) {
		if ref.Namespace != nil {
			a.grant(consent{"Gateway", g.Namespace, string(ref.Kind), string(*ref.Namespace)})
		}
	}
	if secret, _, ok := graph.BackendCertificateRef(g); ok {
		a.grant(consent{"Gateway", g.Namespace, "Secret", secret.Namespace})
	}
}

// certificateRefs are what the listeners of one owner have their certificates
// from.
func (a *assumption) certificateRefs(o graph.ListenerOwner) {
	if issuer, ok := graph.IssuerOf(o, a.given); ok {
		a.issuer(issuer.Kind, o.GetNamespace(), issuer.Name)
	}
	for _, l := range o.Listeners {
		if l.TLS == nil {
			continue
		}
		for _, ref := range l.TLS.CertificateRefs {
			if ref.Namespace != nil {
				a.grant(consent{o.Kind, o.GetNamespace(), "Secret", string(*ref.Namespace)})
			}
		}
	}
}

func (a *assumption) routeRefs(r snapshot.Route) {
	for _, ref := range r.ParentRefs {
		namespace := namespaceOf(ref.Namespace, r.GetNamespace())
		switch {
		case ref.Group != nil && *ref.Group != gatewayv1.GroupName:
		case ref.Kind == nil || *ref.Kind == "Gateway":
			a.gateway(namespace, ref)
		case *ref.Kind == "ListenerSet":
			a.listenerSet(namespace, ref)
		}
	}
	for _, ref := range r.BackendRefs() {
		a.backend(r, ref)
	}
	a.speak(r)
}

func (a *assumption) backend(of snapshot.Route, ref gatewayv1.BackendObjectReference) {
	if ref.Group != nil && *ref.Group != "" && *ref.Group != "core" || ref.Kind != nil && *ref.Kind != "Service" {
		return
	}
	a.service(namespaceOf(ref.Namespace, of.GetNamespace()), ref)
	if ref.Namespace != nil {
		a.grant(consent{of.Kind, of.GetNamespace(), "Service", string(*ref.Namespace)})
	}
}

func namespaceOf(written *gatewayv1.Namespace, own string) string {
	if written == nil {
		return own
	}
	return cmp.Or(string(*written), own)
}

// gateway stands for a Gateway of ours that lets every route and every ListenerSet
// in. It has a
// listener for each name and port that routes ask for, and one for the others.
func (a *assumption) gateway(namespace string, ref gatewayv1.ParentReference) {
	if len(a.given.Gateways.InNamespace(namespace)) > 0 {
		return
	}
	g := &gatewayv1.Gateway{ObjectMeta: named(namespace, string(ref.Name))}
	g.Spec.GatewayClassName = standIn
	g.Spec.AllowedListeners = anyListenerSet()
	a.ownClass()
	a.assume("Gateway", g)
	known, ok := a.made.Gateways.Get(namespace, string(ref.Name))
	if !ok {
		return
	}
	if l, ok := listenerFor(known.Spec.Listeners, ref); ok {
		grown := known.DeepCopy()
		grown.Spec.Listeners = append(grown.Spec.Listeners, l)
		a.made = a.made.With(grown)
	}
}

// standIn is a name that no object of a user's has: it is no DNS name.
const standIn = "(assumed)"

func (a *assumption) ownClass() {
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: standIn}}
	class.Spec.ControllerName = v1alpha1.ControllerName
	a.made = a.made.With(class)
}

// listenerFor returns a listener that the reference means, unless there is one.
func listenerFor(there []gatewayv1.Listener, ref gatewayv1.ParentReference) (gatewayv1.Listener, bool) {
	// Each has a port of its own, from a range that routes do not name, so that
	// they do not clash.
	l := gatewayv1.Listener{Port: gatewayv1.PortNumber(30000 + len(there)), Protocol: gatewayv1.HTTPProtocolType}
	l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromAll)}}
	l.Name = standIn
	if ref.Port != nil {
		l.Port = *ref.Port
		l.Name = gatewayv1.SectionName(fmt.Sprintf("%s %d", standIn, *ref.Port))
	}
	if ref.SectionName != nil && *ref.SectionName != "" {
		l.Name = *ref.SectionName
	}
	has := slices.ContainsFunc(there, func(known gatewayv1.Listener) bool {
		return known.Name == l.Name && (ref.Port == nil || known.Port == *ref.Port)
	})
	return l, !has
}

// service stands for a Service with the ports that routes ask for.
func (a *assumption) service(namespace string, ref gatewayv1.BackendObjectReference) {
	if len(a.given.Services.InNamespace(namespace)) > 0 {
		return
	}
	a.assume("Service", &corev1.Service{ObjectMeta: named(namespace, string(ref.Name))})
	known, ok := a.made.Services.Get(namespace, string(ref.Name))
	if !ok || ref.Port == nil {
		return
	}
	if slices.ContainsFunc(known.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == *ref.Port }) {
		return
	}
	grown := known.DeepCopy()
	grown.Spec.Ports = append(grown.Spec.Ports, corev1.ServicePort{
		Name: fmt.Sprintf("port-%d", *ref.Port), Port: *ref.Port,
	})
	a.made = a.made.With(grown)
}

// consent is what a ReferenceGrant gives.
type consent struct{ fromKind, fromNamespace, toKind, toNamespace string }

// grant stands for the consent of a namespace of which the manifests have
// nothing: whoever writes down what is in a namespace writes its grants there.
func (a *assumption) grant(c consent) {
	if c.fromNamespace == c.toNamespace || a.speaksOf(c.toNamespace) {
		return
	}
	grant := &gatewayv1.ReferenceGrant{ObjectMeta: named(c.toNamespace,
		fmt.Sprintf("%ss-of-%s-to-%ss", c.fromKind, c.fromNamespace, c.toKind))}
	grant.Spec.From = []gatewayv1.ReferenceGrantFrom{{
		Group: gatewayv1.GroupName, Kind: gatewayv1.Kind(c.fromKind), Namespace: gatewayv1.Namespace(c.fromNamespace),
	}}
	grant.Spec.To = []gatewayv1.ReferenceGrantTo{{Kind: gatewayv1.Kind(c.toKind)}}
	a.assume("ReferenceGrant", grant)
}

func (a *assumption) speaksOf(namespace string) bool {
	s := a.given
	for _, r := range s.Routes() {
		if r.GetNamespace() == namespace {
			return true
		}
	}
	return len(s.Gateways.InNamespace(namespace))+len(s.ListenerSets.InNamespace(namespace))+len(s.BackendTLSPolicies.InNamespace(namespace))+
		len(s.ReferenceGrants.InNamespace(namespace))+len(s.WebSocketPolicies.InNamespace(namespace))+
		len(s.GatewayConfigs.InNamespace(namespace))+len(s.Services.InNamespace(namespace))+
		len(s.EndpointSlices.InNamespace(namespace))+len(s.Secrets.InNamespace(namespace))+
		len(s.ConfigMaps.InNamespace(namespace)) > 0
}

// namespaces stand for those that the objects are in: they have the labels that
// the given Gateways ask for.
func (a *assumption) namespaces(objects []manifest.Object) {
	labels := map[string]string{}
	allowed := func(listeners []gatewayv1.Listener) {
		for _, l := range listeners {
			if l.AllowedRoutes != nil && l.AllowedRoutes.Namespaces != nil {
				fit(labels, l.AllowedRoutes.Namespaces.Selector)
			}
		}
	}
	for _, g := range a.given.Gateways.All() {
		allowed(g.Spec.Listeners)
		if s := g.Spec.AllowedListeners; s != nil && s.Namespaces != nil {
			fit(labels, s.Namespaces.Selector)
		}
	}
	for _, set := range a.given.ListenerSets.All() {
		allowed(graph.OwnerOfSet(set, nil).Listeners)
	}
	for _, o := range objects {
		name := o.GetNamespace()
		if _, ok := a.made.Namespaces.Get("", name); name == "" || ok {
			continue
		}
		ns := namespace(name)
		for key, value := range labels {
			if _, ok := ns.Labels[key]; !ok {
				ns.Labels[key] = value
			}
		}
		// Every object is in one, so they are not worth a word.
		a.made = a.made.With(ns)
	}
}

// fit adds labels that the selector matches.
func fit(labels map[string]string, selector *metav1.LabelSelector) {
	if selector == nil {
		return
	}
	for key, value := range selector.MatchLabels {
		labels[key] = value
	}
	for _, e := range selector.MatchExpressions {
		switch {
		case e.Operator == metav1.LabelSelectorOpExists:
			labels[e.Key] = ""
		case e.Operator == metav1.LabelSelectorOpIn && len(e.Values) > 0:
			labels[e.Key] = e.Values[0]
		}
	}
}
