package premise

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// streamProtocols are the protocols of the listeners that routes need that are
// not about HTTP.
var streamProtocols = map[string]gatewayv1.ProtocolType{
	"TLSRoute": gatewayv1.TLSProtocolType,
	"TCPRoute": gatewayv1.TCPProtocolType,
	"UDPRoute": gatewayv1.UDPProtocolType,
}

// speak gives the listeners and Services that stand for those of the route the
// protocol that it needs.
func (a *assumption) speak(r snapshot.Route) {
	protocol, ok := streamProtocols[r.Kind]
	if !ok {
		return
	}
	for _, ref := range r.ParentRefs {
		namespace := namespaceOf(ref.Namespace, r.GetNamespace())
		if ref.Kind != nil && *ref.Kind == "ListenerSet" {
			a.speakAtSet(namespace, ref, protocol)
			continue
		}
		g, ok := a.made.Gateways.Get(namespace, string(ref.Name))
		if ok && g.Spec.GatewayClassName == standIn {
			grown := g.DeepCopy()
			grown.Spec.Listeners = speaking(grown.Spec.Listeners, ref, protocol)
			a.made = a.made.With(grown)
		}
	}
	if protocol != gatewayv1.UDPProtocolType {
		return
	}
	for _, ref := range r.BackendRefs() {
		namespace := namespaceOf(ref.Namespace, r.GetNamespace())
		if _, given := a.given.Services.Get(namespace, string(ref.Name)); given {
			continue
		}
		if s, ok := a.made.Services.Get(namespace, string(ref.Name)); ok {
			a.made = a.made.With(withDatagrams(s))
		}
	}
}

// speakAtSet is the same for a ListenerSet.
func (a *assumption) speakAtSet(namespace string, ref gatewayv1.ParentReference, protocol gatewayv1.ProtocolType) {
	if _, given := a.given.ListenerSets.Get(namespace, string(ref.Name)); given {
		return
	}
	set, ok := a.made.ListenerSets.Get(namespace, string(ref.Name))
	if !ok {
		return
	}
	grown := set.DeepCopy()
	grown.Spec.Listeners = nil
	for _, l := range speaking(graph.OwnerOfSet(set, nil).Listeners, ref, protocol) {
		grown.Spec.Listeners = append(grown.Spec.Listeners, gatewayv1.ListenerEntry(l))
	}
	a.made = a.made.With(grown)
}

// speaking returns the listeners, one of which the reference means and has the
// protocol.
func speaking(there []gatewayv1.Listener, ref gatewayv1.ParentReference, protocol gatewayv1.ProtocolType) []gatewayv1.Listener {
	meant := func(l gatewayv1.Listener) bool {
		return (ref.SectionName == nil || *ref.SectionName == "" || *ref.SectionName == l.Name) && (ref.Port == nil || *ref.Port == l.Port)
	}
	if slices.ContainsFunc(there, func(l gatewayv1.Listener) bool { return meant(l) && l.Protocol == protocol }) {
		return there
	}
	// What is named is this route's alone; any other listener may be for HTTP.
	if named := slices.IndexFunc(there, meant); named >= 0 && (ref.SectionName != nil || ref.Port != nil) &&
		there[named].Protocol == gatewayv1.HTTPProtocolType {
		setProtocol(&there[named], protocol)
		return there
	}
	l, _ := listenerFor(there, ref)
	l.Name += gatewayv1.SectionName(" " + string(protocol))
	setProtocol(&l, protocol)
	return append(there, l)
}

func setProtocol(l *gatewayv1.Listener, protocol gatewayv1.ProtocolType) {
	l.Protocol = protocol
	if protocol == gatewayv1.TLSProtocolType {
		l.TLS = &gatewayv1.ListenerTLSConfig{Mode: new(gatewayv1.TLSModePassthrough)}
	}
}

// withDatagrams returns the Service with each port for datagrams, too.
func withDatagrams(s *corev1.Service) *corev1.Service {
	grown := s.DeepCopy()
	for _, p := range s.Spec.Ports {
		has := slices.ContainsFunc(grown.Spec.Ports, func(other corev1.ServicePort) bool {
			return other.Port == p.Port && other.Protocol == corev1.ProtocolUDP
		})
		if !has {
			p.Name, p.Protocol = p.Name+"-udp", corev1.ProtocolUDP
			grown.Spec.Ports = append(grown.Spec.Ports, p)
		}
	}
	return grown
}
