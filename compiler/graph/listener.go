package graph

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// reservedPorts of the data-plane pod, which listeners cannot have.
var reservedPorts = []int32{
	bundle.ControlPort, bundle.HealthPort, bundle.NoEndpointsPort,
	bundle.InvalidBackendPort, bundle.ResolverPort, bundle.StatusPort,
	bundle.ClosedPort, bundle.BehindHTTPPort, bundle.BehindTLSPort,
}

// readListeners judges each listener by itself, then all together.
func (b *builder) readListeners(g *Gateway) {
	b.readOwn(g, OwnerOf(g.Source))
	b.readListenerSets(g)
	b.findConflicts(g)
	for _, l := range g.Listeners {
		if l.TLS {
			b.unresolved[l] = append(b.unresolved[l], b.resolveClientValidation(g, l)...)
		}
	}
	b.redirectToHTTPS(g)
}

// readOwn adds the listeners of one owner to the Gateway's, and returns them.
func (b *builder) readOwn(g *Gateway, owner ListenerOwner) []*Listener {
	first := len(g.Listeners)
	for i := range owner.Listeners {
		source := &owner.Listeners[i]
		l := &Listener{Source: source, Owner: owner, Index: i, Position: first + i, SupportedKinds: []gatewayv1.RouteGroupKind{}}
		if source.Hostname != nil {
			l.Hostname = strings.ToLower(string(*source.Hostname))
		}
		g.Listeners = append(g.Listeners, l)
		l.Conflicted = no(string(gatewayv1.ListenerReasonNoConflicts), "No other listener is in its way")
		b.acceptListener(l)
		b.unresolved[l] = resolveKinds(l)
	}
	return g.Listeners[first:]
}

func listenerField(l *Listener) string { return fmt.Sprintf("spec.listeners[%d]", l.Index) }

// acceptListener goes through what makes a listener unacceptable by itself; the
// first objection counts.
func (b *builder) acceptListener(l *Listener) {
	l.Accepted = yes(string(gatewayv1.ListenerReasonAccepted), "The listener is accepted")
	for _, check := range []func(*Listener) *diagnostic.Diagnostic{
		checkProtocol, checkTLSMode, checkPort, checkListenerHostname,
	} {
		if objection := check(l); objection != nil {
			b.reportOf(l.Owner, *objection)
			l.Accepted = no(objection.Reason, objection.String())
			return
		}
	}
}

func checkProtocol(l *Listener) *diagnostic.Diagnostic {
	switch l.Source.Protocol {
	case gatewayv1.HTTPProtocolType:
		return nil
	case gatewayv1.HTTPSProtocolType:
		l.TLS = true
		return nil
	case gatewayv1.TLSProtocolType:
		l.Passthrough = hasTLSMode(l.Source, gatewayv1.TLSModePassthrough)
		l.TLS = !l.Passthrough
		return nil
	case gatewayv1.TCPProtocolType, gatewayv1.UDPProtocolType:
		return nil
	}
	return new(diagnostic.ListenerProtocol.At(listenerField(l)+".protocol",
		fmt.Sprintf("protocol %q is not supported", l.Source.Protocol), "write HTTP, HTTPS, TLS, TCP or UDP"))
}

func checkTLSMode(l *Listener) *diagnostic.Diagnostic {
	if l.Passthrough || hasTLSMode(l.Source, gatewayv1.TLSModeTerminate) {
		return nil
	}
	return new(diagnostic.ListenerTLSMode.At(listenerField(l)+".tls.mode",
		fmt.Sprintf("TLS mode %q is not supported at protocol %s", *l.Source.TLS.Mode, l.Source.Protocol), "write Terminate, or protocol TLS"))
}

func checkPort(l *Listener) *diagnostic.Diagnostic {
	if l.Source.Port > 0 && l.Source.Port <= 65535 && !slices.Contains(reservedPorts, l.Source.Port) {
		return nil
	}
	return new(diagnostic.ListenerPort.At(listenerField(l)+".port",
		fmt.Sprintf("port %d is used by the data plane itself", l.Source.Port), "choose another port"))
}

func checkListenerHostname(l *Listener) *diagnostic.Diagnostic {
	if l.Hostname == "" {
		return nil
	}
	if _, ok := lowerHostname(l.Hostname); ok {
		return nil
	}
	return new(diagnostic.ListenerHostname.At(listenerField(l)+".hostname",
		fmt.Sprintf("%q is no hostname", l.Hostname), ""))
}

// resolveListeners says of each listener whether what it refers to is there:
// kinds of routes, authorities and certificates. It comes after the routes, as
// these have the hostnames that a listener without one needs a certificate for.
func (b *builder) resolveListeners() {
	for _, g := range b.g.Gateways {
		for _, l := range g.Listeners {
			b.resolveListener(l)
		}
	}
}

// resolveListener tells each problem; the first gives the reason.
func (b *builder) resolveListener(l *Listener) {
	l.ResolvedRefs = yes(string(gatewayv1.ListenerReasonResolvedRefs), "All references are resolved")
	problems := b.unresolved[l]
	if l.TLS {
		faults, remarks := b.resolveCertificates(l)
		problems = append(problems, faults...)
		l.AwaitsCertificate = slices.ContainsFunc(faults, func(d diagnostic.Diagnostic) bool {
			return d.Check == diagnostic.CertificatePending.ID
		})
		b.reportOf(l.Owner, remarks...)
		l.ResolvedRefs.Message = withRenewals(l.ResolvedRefs.Message, remarks)
	}
	b.reportOf(l.Owner, problems...)
	if len(problems) > 0 {
		l.ResolvedRefs = no(problems[0].Reason, sentences(withoutChainFields(problems)))
	}
}

// routeKinds are the kinds of routes that listeners of a protocol take (Gateway
// API, ListenerStatus.supportedKinds).
var routeKinds = map[gatewayv1.ProtocolType][]gatewayv1.Kind{
	gatewayv1.HTTPProtocolType:  {"HTTPRoute", "GRPCRoute"},
	gatewayv1.HTTPSProtocolType: {"HTTPRoute", "GRPCRoute"},
	gatewayv1.TLSProtocolType:   {"TLSRoute"},
	gatewayv1.TCPProtocolType:   {"TCPRoute"},
	gatewayv1.UDPProtocolType:   {"UDPRoute"},
}

// resolveKinds fills in which kinds of routes the listener takes: those that it
// allows of those that its protocol carries.
func resolveKinds(l *Listener) []diagnostic.Diagnostic {
	group := gatewayv1.Group(gatewayv1.GroupName)
	carried := routeKinds[l.Source.Protocol]
	support := func(kind gatewayv1.Kind) {
		if !l.takes(string(kind)) {
			l.SupportedKinds = append(l.SupportedKinds, gatewayv1.RouteGroupKind{Group: &group, Kind: kind})
		}
	}
	var wanted []gatewayv1.RouteGroupKind
	if l.Source.AllowedRoutes != nil {
		wanted = l.Source.AllowedRoutes.Kinds
	}
	if len(wanted) == 0 {
		for _, kind := range carried {
			support(kind)
		}
	}
	var problems []diagnostic.Diagnostic
	for i, k := range wanted {
		if slices.Contains(carried, k.Kind) && (k.Group == nil || *k.Group == group) {
			support(k.Kind)
			continue
		}
		fix := "leave allowedRoutes.kinds out"
		if len(carried) > 0 {
			fix = fmt.Sprintf("write kind: %s, or %s", carried[0], fix)
		}
		problems = append(problems, diagnostic.ListenerRouteKind.At(
			fmt.Sprintf("%s.allowedRoutes.kinds[%d]", listenerField(l), i),
			fmt.Sprintf("a listener of protocol %s does not take routes of kind %q", l.Source.Protocol, k.Kind), fix))
	}
	return problems
}

func conflict(l, other *Listener) *diagnostic.Diagnostic {
	const fix = "change one of the two, until then neither serves"
	switch {
	case l == other || l.Source.Port != other.Source.Port || l.isUDP() != other.isUDP(),
		other.Accepted.Reason == string(gatewayv1.ListenerReasonUnsupportedProtocol):
		return nil
	case l.Source.Protocol != other.Source.Protocol && !(l.hasServerNames() && other.hasServerNames()):
		return new(diagnostic.ListenerProtocolConflict.At(listenerField(l),
			fmt.Sprintf("listener %q speaks %s on port %d, where %q speaks %s",
				l.Source.Name, l.Source.Protocol, l.Source.Port, other.Source.Name, other.Source.Protocol), fix))
	case l.Hostname == other.Hostname:
		return new(diagnostic.ListenerHostnameConflict.At(listenerField(l),
			fmt.Sprintf("listener %q has the same hostname and port as %q", l.Source.Name, other.Source.Name), fix))
	}
	return nil
}

// allowsNamespace says whether routes of the namespace may attach.
func (b *builder) allowsNamespace(l *Listener, namespace string) bool {
	from := gatewayv1.NamespacesFromSame
	var selector *metav1.LabelSelector
	if a := l.Source.AllowedRoutes; a != nil && a.Namespaces != nil {
		if a.Namespaces.From != nil {
			from = *a.Namespaces.From
		}
		selector = a.Namespaces.Selector
	}
	rule := namespaceRule{from: from, selector: selector, same: l.Owner.GetNamespace()}
	return rule.matches(namespace, b.s)
}

// namespaceRule says from which namespaces something may be attached.
type namespaceRule struct {
	from     gatewayv1.FromNamespaces
	selector *metav1.LabelSelector
	// same is the namespace of what is attached to.
	same string
}

func (rule namespaceRule) matches(namespace string, s snapshot.Snapshot) bool {
	switch rule.from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return namespace == rule.same
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(rule.selector)
		return err == nil && selector.Matches(namespaceLabels(namespace, s))
	}
	return false
}

func namespaceLabels(name string, s snapshot.Snapshot) labels.Set {
	if ns, ok := s.Namespaces.Get("", name); ok {
		return ns.Labels
	}
	return nil
}
