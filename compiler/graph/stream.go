package graph

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// closed stands for endpoints of a stream, where HTTP has sentinels that answer.
var closed = sentinel(bundle.ClosedPort)

// DomainPort is that of DNS (RFC 1035, section 4.2).
const DomainPort = 53

// The times after which nginx gives silent datagrams up. One that nobody answers
// holds memory for as long; DomainTimeout is for questions to DNS servers.
const (
	datagramTimeout = time.Minute
	DomainTimeout   = 10 * time.Second
)

// IsStream says that the listener takes connections or datagrams as they are:
// its protocol is TLS, TCP or UDP.
func (l *Listener) IsStream() bool {
	return slices.Contains([]gatewayv1.ProtocolType{
		gatewayv1.TLSProtocolType, gatewayv1.TCPProtocolType, gatewayv1.UDPProtocolType,
	}, l.Source.Protocol)
}

func (l *Listener) isUDP() bool { return l.Source.Protocol == gatewayv1.UDPProtocolType }

// hasServerNames says that connections to the listener tell its hostname before
// they tell anything else (RFC 6066, section 3), so that listeners of different
// protocols can share a port.
func (l *Listener) hasServerNames() bool {
	return l.Source.Protocol == gatewayv1.TLSProtocolType || l.Source.Protocol == gatewayv1.HTTPSProtocolType
}

// hasTLSMode says that the listener has the mode; without one it is Terminate.
func hasTLSMode(l *gatewayv1.Listener, mode gatewayv1.TLSModeType) bool {
	if l.TLS == nil || l.TLS.Mode == nil || *l.TLS.Mode == "" {
		return mode == gatewayv1.TLSModeTerminate
	}
	return *l.TLS.Mode == mode
}

// terminates says that the listener is one that decrypts.
func terminates(l *gatewayv1.Listener) bool {
	return (l.Protocol == gatewayv1.HTTPSProtocolType || l.Protocol == gatewayv1.TLSProtocolType) &&
		hasTLSMode(l, gatewayv1.TLSModeTerminate)
}

// StreamRule returns the rule that has the streams of a hostname, empty for
// any, at a listener of protocol TLS, TCP or UDP; nil where none has. The most
// specific hostname of a route wins, then the oldest route (Gateway API,
// "Conflicts").
func (l *Listener) StreamRule(hostname string) (*Route, *Rule) {
	var best *Attachment
	var by Hostname
	for i := range l.Routes {
		for _, h := range l.Routes[i].Hostnames {
			if covers(h.Effective, hostname) && (best == nil || h.isNarrower(by)) {
				best, by = &l.Routes[i], h
			}
		}
	}
	if best == nil || len(best.Route.Rules) == 0 {
		return nil, nil
	}
	return best.Route, best.Route.Rules[0]
}

// isNarrower compares hostnames that have a host in common.
func (h Hostname) isNarrower(than Hostname) bool {
	if h.Effective != than.Effective {
		return covers(than.Effective, h.Effective)
	}
	return h.Written != than.Written && covers(than.Written, h.Written)
}

// streamRule is a rule of a TLSRoute, TCPRoute or UDPRoute; the three have the
// same fields.
type streamRule struct {
	name     *gatewayv1.SectionName
	backends []gatewayv1.BackendRef
}

// streamRules returns the rules of a TLSRoute, TCPRoute or UDPRoute; false for
// other objects.
func streamRules(object metav1.Object) (rules []streamRule, ok bool) {
	switch o := object.(type) {
	case *gatewayv1.TLSRoute:
		for _, r := range o.Spec.Rules {
			rules = append(rules, streamRule{r.Name, r.BackendRefs})
		}
	case *gatewayv1.TCPRoute:
		for _, r := range o.Spec.Rules {
			rules = append(rules, streamRule{r.Name, r.BackendRefs})
		}
	case *gatewayv1.UDPRoute:
		for _, r := range o.Spec.Rules {
			rules = append(rules, streamRule{r.Name, r.BackendRefs})
		}
	default:
		return nil, false
	}
	return rules, true
}

// StreamBackends are what a rule of a TLSRoute, TCPRoute or UDPRoute sends
// streams to, as written.
func (r *Route) StreamBackends(rule *Rule) []gatewayv1.BackendRef {
	rules, _ := streamRules(r.Source.Object)
	if rule.Index >= len(rules) {
		return nil
	}
	return rules[rule.Index].backends
}

// streamReader turns one rule of a route of streams into what it means.
type streamReader struct {
	*builder
	route  *Route
	source streamRule
	field  string
	rule   *Rule
	// unresolved are references that lead nowhere, remarks what is merely odd.
	unresolved, remarks []diagnostic.Diagnostic
}

// readStreamRules reads the rules of a TLSRoute, TCPRoute or UDPRoute, and sums
// up for all parents what they refer to. All rules match everything, so the
// first one has all streams.
func (b *builder) readStreamRules(route *Route, rules []streamRule) []diagnostic.Diagnostic {
	var findings, unresolved []diagnostic.Diagnostic
	for i, source := range rules {
		r := &streamReader{builder: b, route: route, source: source, field: fmt.Sprintf("spec.rules[%d]", i), rule: &Rule{Index: i}}
		if source.name != nil {
			r.rule.Name = string(*source.name)
		}
		r.readBackends()
		r.readTimeouts()
		route.Rules = append(route.Rules, r.rule)
		unresolved = append(unresolved, r.unresolved...)
		findings = append(findings, r.remarks...)
		if i > 0 {
			findings = append(findings, diagnostic.ShadowedMatch.At(r.field,
				"spec.rules[0] matches everything and gets it all", "write one rule with all backendRefs"))
		}
	}
	resolved := yes(string(gatewayv1.RouteReasonResolvedRefs), "All references are resolved")
	if len(unresolved) > 0 {
		resolved = no(unresolved[0].Reason, sentences(unresolved))
	}
	for i := range route.Parents {
		route.Parents[i].ResolvedRefs = resolved
	}
	return append(findings, unresolved...)
}

func (r *streamReader) isUDP() bool { return r.route.Source.Kind == "UDPRoute" }

// readTimeouts tells DNS from other protocols by its port: who asks there takes
// a new port of his own for each question, and gets one answer.
func (r *streamReader) readTimeouts() {
	r.rule.IdleTimeout = defaultIdleTimeout
	if !r.isUDP() {
		return
	}
	r.rule.IdleTimeout = datagramTimeout
	r.rule.OneAnswer = len(r.source.backends) > 0 && !slices.ContainsFunc(r.source.backends, func(ref gatewayv1.BackendRef) bool {
		return ref.Port == nil || *ref.Port != DomainPort
	})
	if r.rule.OneAnswer {
		r.rule.IdleTimeout = DomainTimeout
	}
}

// readBackends resolves the rule's backends into its upstream.
func (r *streamReader) readBackends() {
	var shares []share
	for i := range r.source.backends {
		ref, field := &r.source.backends[i], fmt.Sprintf("%s.backendRefs[%d]", r.field, i)
		endpoints, problem := r.resolve(ref, field)
		if problem != nil {
			problem.Field = field + problem.Field
			r.unresolved = append(r.unresolved, *problem)
		}
		if weight := weightOf(ref); weight > 0 {
			shares = append(shares, share{weight: weight, endpoints: endpoints})
		}
	}
	if len(shares) == 0 {
		r.remarks = append(r.remarks, diagnostic.NoBackends.At(r.field+".backendRefs",
			"there is no backend with a weight above 0, so all connections are closed", "give one a weight"))
		shares = []share{{weight: 1, endpoints: []netip.AddrPort{closed}}}
	}
	id := r.upstreamID()
	if r.upstreams[id] == nil {
		u := &Upstream{ID: id, Endpoints: weigh(shares)}
		u.TLS, u.Refused = r.backendTLS()
		r.upstreams[id] = u
	}
	r.rule.Upstream = r.upstreams[id]
}

func weightOf(ref *gatewayv1.BackendRef) int32 {
	if ref.Weight == nil {
		return 1
	}
	return *ref.Weight
}

// upstreamID depends on neither weights nor what backends resolve to, as a new
// ID needs a reload. The kind keeps it apart from those of HTTP, which have
// other sentinels.
func (r *streamReader) upstreamID() string {
	namespace, kind := r.route.Source.GetNamespace(), strings.ToLower(r.route.Source.Kind)
	if len(r.source.backends) == 1 && weightOf(&r.source.backends[0]) > 0 {
		if port, fault := serviceOf(&r.source.backends[0].BackendObjectReference, namespace); fault == nil {
			words := []string{port.namespace, port.name, strconv.Itoa(int(port.port))}
			if port.namespace != namespace {
				// Whether it may be used depends on who asks.
				words = append(words, "from", namespace)
			}
			return dnsLabel(append(words, kind)...)
		}
	}
	return dnsLabel(namespace, r.route.Source.GetName(), strconv.Itoa(r.rule.Index), "split", kind)
}

// resolve returns the endpoints of a backend, or the sentinel; and why it cannot
// be one, with a field within the reference.
func (r *streamReader) resolve(ref *gatewayv1.BackendRef, field string) ([]netip.AddrPort, *diagnostic.Diagnostic) {
	namespace := r.route.Source.GetNamespace()
	fail := func(d diagnostic.Diagnostic) ([]netip.AddrPort, *diagnostic.Diagnostic) {
		return []netip.AddrPort{closed}, &d
	}
	port, fault := serviceOf(&ref.BackendObjectReference, namespace)
	if fault != nil {
		return fail(*fault)
	}
	port.stream = true
	if r.isUDP() {
		port.protocol = corev1.ProtocolUDP
	}
	to := reference{
		fromKind: r.route.Source.Kind, fromNamespace: namespace,
		toKind: "Service", toNamespace: port.namespace, toName: port.name,
	}
	if !r.permitted(to) {
		return fail(diagnostic.BackendNotPermitted.At("",
			fmt.Sprintf("Service %s/%s may not be used from namespace %q", port.namespace, port.name, namespace), to.grantFix()))
	}
	s := r.service(port)
	if s.fault != nil {
		return fail(*s.fault)
	}
	if s.warning != nil {
		located := *s.warning
		located.Field = field
		r.remarks = append(r.remarks, located)
	}
	if len(s.endpoints) == 0 {
		return []netip.AddrPort{closed}, nil
	}
	return s.endpoints, nil
}

// findShadowedStreams warns of routes that get no stream of a listener, since an
// older one, or one with the same hostname, gets them all.
func (b *builder) findShadowedStreams() {
	for _, g := range b.g.Gateways {
		told := map[*Route]bool{}
		for _, l := range g.Listeners {
			if !l.IsStream() {
				continue
			}
			for _, a := range l.Routes {
				for _, h := range a.Hostnames {
					winner, _ := l.StreamRule(h.Effective)
					if winner == nil || winner == a.Route || told[a.Route] {
						continue
					}
					told[a.Route] = true
					b.report(a.Route.Source.Kind, a.Route.Source, shadowedStream(winner, l, h.Effective))
				}
			}
		}
	}
}

func shadowedStream(winner *Route, l *Listener, hostname string) diagnostic.Diagnostic {
	what := fmt.Sprintf("listener %q", l.Source.Name)
	if hostname != "" {
		what = fmt.Sprintf("%s at %s", hostname, what)
	}
	return diagnostic.ShadowedMatch.At("spec.parentRefs",
		fmt.Sprintf("%s comes first and gets all that is for %s", winner.Source.RouteKey(), what),
		"delete one of the routes, or attach it to another listener")
}
