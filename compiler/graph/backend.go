package graph

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// The sentinels: servers of nginx itself that stand in for endpoints, so that
// an upstream is never empty.
var (
	noEndpoints    = sentinel(bundle.NoEndpointsPort)
	invalidBackend = sentinel(bundle.InvalidBackendPort)
)

func sentinel(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// readBackends resolves the rule's backends into its upstream.
func (r *ruleReader) readBackends() {
	if r.rule.Redirect != nil {
		return
	}
	var shares []share
	var drained []netip.AddrPort
	for i := range r.source.BackendRefs {
		ref, field := &r.source.BackendRefs[i], fmt.Sprintf("%s.backendRefs[%d]", r.field, i)
		weight := int32(1)
		if ref.Weight != nil {
			weight = *ref.Weight
		}
		endpoints, problem := r.resolveBackend(&ref.BackendObjectReference, field)
		if problem != nil {
			r.unresolved = append(r.unresolved, *problem)
		}
		if weight > 0 {
			shares = append(shares, share{weight: weight, endpoints: endpoints})
			r.addHopBackend(i, shares[len(shares)-1])
		} else {
			drained = append(drained, endpoints...)
		}
	}
	switch {
	case len(shares) > 0:
	case len(r.source.BackendRefs) == 0:
		r.remark(diagnostic.NoBackends, r.field, "the rule has no backendRefs and answers 500")
	default:
		r.remark(diagnostic.NoBackends, r.field+".backendRefs", "all weights are 0, so the rule answers 500")
	}
	if len(shares) == 0 {
		shares = []share{{weight: 1, endpoints: []netip.AddrPort{invalidBackend}}}
	}
	r.rule.Upstream = r.upstream(shares)
	r.drain(drained, shares)
}

// upstream returns the upstream of the rule. One backend's is shared by all
// rules that have it and no other. An ID depends on neither weights nor on
// what the backends resolve to, as a new ID needs a reload.
func (r *ruleReader) upstream(shares []share) *Upstream {
	if r.rule.Session != nil {
		return r.sessionUpstream(shares)
	}
	if port, ok := r.onlyService(); ok {
		return r.serviceUpstream(port, shares[0])
	}
	u := r.namedUpstream(r.splitUpstreamID(), shares)
	u.HTTP2 = r.allSpeakHTTP2()
	return u
}

func (r *ruleReader) namedUpstream(id string, shares []share) *Upstream {
	if known, ok := r.upstreams[id]; ok {
		return known
	}
	u := &Upstream{ID: id, Endpoints: weigh(shares)}
	r.upstreams[id] = u
	return u
}

// serviceUpstream returns the upstream of a single Service.
func (r *ruleReader) serviceUpstream(port servicePort, s share) *Upstream {
	u := r.namedUpstream(r.serviceUpstreamID(port), []share{s})
	resolved := r.service(port)
	u.TLS, u.Refused, u.HTTP2 = resolved.tls, resolved.untrusted, r.speaksHTTP2(port)
	return u
}

// onlyService returns the one Service that the rule sends requests to; false
// where it is not that simple.
func (r *ruleReader) onlyService() (servicePort, bool) {
	if len(r.source.BackendRefs) != 1 {
		return servicePort{}, false
	}
	ref := &r.source.BackendRefs[0]
	port, fault := serviceOf(&ref.BackendObjectReference, r.route.Namespace)
	return port, fault == nil && (ref.Weight == nil || *ref.Weight > 0)
}

func (r *ruleReader) splitUpstreamID() string {
	words := []string{r.route.Namespace, r.route.Name, r.words(), "split"}
	return upstreamLabel(append(words, r.spoken(r.allSpeakHTTP2())...)...)
}

// spoken are the last words of an upstream's ID. nginx keeps connections for an
// upstream, whatever is spoken on them. An HTTPRoute and a GRPCRoute may have one
// name, and not the same permissions, so they share none.
func (r *ruleReader) spoken(http2 bool) []string {
	switch {
	case r.kind == kindGRPCRoute:
		return []string{"grpc"}
	case http2:
		return []string{"h2"}
	}
	return nil
}

// words name the rule within its route.
func (r *ruleReader) words() string {
	name := r.rule.Name
	switch {
	case name == "":
		return strconv.Itoa(r.rule.Index)
	case strings.Trim(name, "0123456789") == "":
		// Else it could be taken for an index.
		return "named-" + name
	}
	return name
}

// serviceUpstreamID names the upstream of a single Service.
func (r *ruleReader) serviceUpstreamID(port servicePort) string {
	words := []string{port.namespace, port.name, strconv.Itoa(int(port.port))}
	if port.namespace != r.route.Namespace {
		// Whether it may be used depends on who asks.
		words = append(words, "from", r.route.Namespace)
	}
	return upstreamLabel(append(words, r.spoken(r.speaksHTTP2(port))...)...)
}

// serviceOf reads which port of which Service a reference means.
func serviceOf(ref *gatewayv1.BackendObjectReference, namespace string) (servicePort, *diagnostic.Diagnostic) {
	group, kind := "", "Service"
	if ref.Group != nil && *ref.Group != "core" {
		group = string(*ref.Group)
	}
	if ref.Kind != nil {
		kind = string(*ref.Kind)
	}
	if group != "" || kind != "Service" {
		return servicePort{}, new(diagnostic.BackendKind.At(".kind",
			fmt.Sprintf("a backend of kind %s (group %q) is not supported", kind, group), "refer to a Service"))
	}
	if ref.Port == nil {
		return servicePort{}, new(diagnostic.BackendWithoutPort.At(".port",
			fmt.Sprintf("no port of Service %q is named", ref.Name), "write port, the Service's port number"))
	}
	p := servicePort{namespace: namespace, name: string(ref.Name), port: *ref.Port}
	if ref.Namespace != nil && *ref.Namespace != "" {
		p.namespace = string(*ref.Namespace)
	}
	return p, nil
}

// resolveBackend returns the endpoints of a backend, or a sentinel and why.
func (r *ruleReader) resolveBackend(ref *gatewayv1.BackendObjectReference, field string) ([]netip.AddrPort, *diagnostic.Diagnostic) {
	fail := func(d *diagnostic.Diagnostic) ([]netip.AddrPort, *diagnostic.Diagnostic) {
		located := *d
		located.Field = field + d.Field
		return []netip.AddrPort{invalidBackend}, &located
	}
	port, fault := serviceOf(ref, r.route.Namespace)
	if fault != nil {
		return fail(fault)
	}
	to := reference{
		fromKind: r.kind, fromNamespace: r.route.Namespace,
		toKind: "Service", toNamespace: port.namespace, toName: port.name,
	}
	if !r.permitted(to) {
		return fail(new(diagnostic.BackendNotPermitted.At("",
			fmt.Sprintf("Service %s/%s may not be used from namespace %q", port.namespace, port.name, r.route.Namespace),
			to.grantFix())))
	}
	s := r.service(port)
	if s.fault != nil {
		return fail(s.fault)
	}
	if w := s.warning; w != nil {
		located := *w
		located.Field = field
		r.remarks = append(r.remarks, located)
	}
	if len(s.endpoints) == 0 {
		return []netip.AddrPort{noEndpoints}, nil
	}
	return s.endpoints, nil
}

// servicePort names a port of a Service.
type servicePort struct {
	namespace, name string
	port            int32
	// protocol is empty for TCP.
	protocol corev1.Protocol
	// stream says that nginx does not look at what the backend speaks.
	stream bool
}

// service is what a Service port resolved to.
type service struct {
	// fault says why it cannot be a backend.
	fault *diagnostic.Diagnostic
	// warning is about EndpointSlices that do not fit.
	warning   *diagnostic.Diagnostic
	endpoints []netip.AddrPort
	// tls is nil where it speaks plain text. Where it speaks TLS and nobody knows
	// whom to trust, untrusted is set besides the fault.
	tls       *BackendTLS
	untrusted bool
	// http2 says that the port's appProtocol is one of HTTP/2.
	http2 bool
}

func isHTTP2(port *corev1.ServicePort) bool {
	return port.AppProtocol != nil && slices.Contains(http2Protocols, strings.ToLower(*port.AppProtocol))
}

// speaksHTTP2 says that the rule's requests go to the Service by HTTP/2: gRPC
// has no other way.
func (r *ruleReader) speaksHTTP2(port servicePort) bool {
	return r.kind == kindGRPCRoute || r.service(port).http2
}

// allSpeakHTTP2 says that all of the rule's backends that get requests do.
func (r *ruleReader) allSpeakHTTP2() bool {
	return r.kind == kindGRPCRoute || len(r.hop.Backends) > 0 &&
		!slices.ContainsFunc(r.hop.Backends, func(b HopBackend) bool { return !b.Upstream.HTTP2 })
}

func (b *builder) service(p servicePort) service {
	s, known := b.services[p]
	if !known {
		s = b.resolveService(p)
		b.services[p] = s
	}
	return s
}

// plainProtocols are the application protocols of a Service port that nginx
// speaks to backends: HTTP/1.1, with websockets (KEP-3726).
var plainProtocols = []string{"", "http", "kubernetes.io/ws"}

// http2Protocols are those of ports that speak HTTP/2 without TLS (KEP-3726).
var http2Protocols = []string{"kubernetes.io/h2c", "grpc"}

// tlsProtocols are those of ports that speak TLS.
var tlsProtocols = []string{"https", "kubernetes.io/wss"}

func (b *builder) resolveService(p servicePort) service {
	source, port, fault := b.findService(p)
	if fault != nil {
		return service{fault: fault}
	}
	if p.stream {
		endpoints, warning := b.endpoints(source, port)
		s := service{endpoints: endpoints, warning: warning}
		if policy := b.tlsPolicyOf(p.namespace, p.name, port.Name); policy != nil {
			s.tls, s.untrusted = policy.tls, policy.tls == nil
		}
		return s
	}
	tls, fault := b.backendTLS(p, port)
	if fault != nil {
		return service{fault: fault, untrusted: true}
	}
	known := slices.Concat(plainProtocols, http2Protocols)
	if tls != nil {
		known = slices.Concat(known, tlsProtocols)
	}
	if port.AppProtocol != nil && !slices.Contains(known, strings.ToLower(*port.AppProtocol)) {
		return service{fault: new(diagnostic.BackendProtocol.At(".port",
			fmt.Sprintf("port %d of Service %q speaks %s, which is not supported yet", p.port, p.name, *port.AppProtocol),
			"leave appProtocol out if the backend speaks HTTP/1.1 as well"))}
	}
	endpoints, warning := b.endpoints(source, port)
	return service{endpoints: endpoints, warning: warning, tls: tls, http2: isHTTP2(port)}
}

// findService returns the Service and its port, or why they cannot be a backend.
func (b *builder) findService(p servicePort) (*corev1.Service, *corev1.ServicePort, *diagnostic.Diagnostic) {
	fail := func(c diagnostic.Check, field, message, fix string) (*corev1.Service, *corev1.ServicePort, *diagnostic.Diagnostic) {
		return nil, nil, new(c.At(field, message, fix))
	}
	source, ok := b.s.Services.Get(p.namespace, p.name)
	if !ok {
		var names []string
		for _, s := range b.s.Services.InNamespace(p.namespace) {
			names = append(names, s.Name)
		}
		return fail(diagnostic.BackendNotFound, ".name",
			fmt.Sprintf("Service %q not found in namespace %q", p.name, p.namespace), meant(p.name, names))
	}
	if source.Spec.Type == corev1.ServiceTypeExternalName {
		// CVE-2021-25740: whoever may create Services could reach anything.
		return fail(diagnostic.BackendExternalName, ".name",
			fmt.Sprintf("Service %q is of type ExternalName, which could lead anywhere", p.name),
			"make it a Service without selector, with an EndpointSlice that has the addresses")
	}
	protocol := orTCP(&p.protocol)
	at := slices.IndexFunc(source.Spec.Ports, func(sp corev1.ServicePort) bool {
		return sp.Port == p.port && orTCP(&sp.Protocol) == protocol
	})
	if at < 0 {
		return fail(diagnostic.BackendPortNotFound, ".port",
			fmt.Sprintf("Service %q has no %s port %d", p.name, protocol, p.port), portsOf(source, protocol))
	}
	return source, &source.Spec.Ports[at], nil
}

// portsOf tells which ports of the protocol the Service has.
func portsOf(s *corev1.Service, protocol corev1.Protocol) string {
	var ports []string
	for _, p := range s.Spec.Ports {
		if orTCP(&p.Protocol) == protocol {
			ports = append(ports, strconv.Itoa(int(p.Port)))
		}
	}
	if len(ports) == 0 {
		return "it has none"
	}
	return "it has " + strings.Join(ports, ", ")
}
