package graph

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Graph is what a snapshot means. Everything in it is sorted; nothing in it is
// changed once it is built, and the sources it points at belong to the
// snapshot.
type Graph struct {
	// Classes are the GatewayClasses that name our controller.
	Classes []*Class
	// Gateways are the Gateways of those classes.
	Gateways []*Gateway
	// ListenerSets are those whose parent is one of Gateways.
	ListenerSets []*ListenerSet
	// Routes are the routes with at least one parentRef to one of Gateways.
	Routes []*Route
	// Policies are the WebSocketPolicies that target one of Routes, or nothing
	// that exists.
	Policies []*Policy
	// BackendTLSPolicies are those whose Services one of Routes refers to.
	BackendTLSPolicies []*TLSPolicy
	// Issuances are the certificates that cert-manager is to issue, by Secret.
	Issuances []*Issuance
	// Upstreams are all upstreams that accepted rules use, by ID.
	Upstreams []*Upstream
	// Diagnostics are sorted.
	Diagnostics []diagnostic.Diagnostic
}

// Verdict is the answer to one condition. The zero value is not a verdict.
type Verdict struct {
	// True is the condition's status.
	True bool
	// Reason and Message are the condition's.
	Reason  string
	Message string
}

// Class is a GatewayClass of ours.
type Class struct {
	Source           *gatewayv1.GatewayClass
	Accepted         Verdict
	SupportedVersion Verdict
	// Experimental says that the cluster has the experimental channel's fields.
	Experimental bool
	// Used says that a Gateway refers to it (the gateway-exists finalizer).
	Used bool
}

// Gateway is a Gateway of one of our classes.
type Gateway struct {
	Source *gatewayv1.Gateway
	// Config is the class's GatewayConfig overlaid with the Gateway's own and
	// with the defaults; never nil fields where a default exists.
	Config   Config
	Accepted Verdict
	// Addresses are the static addresses asked for, IPs in the order written.
	Addresses []string
	// AddressProblem says why no load balancer can give the Gateway the
	// addresses that it asks for; nil where one could.
	AddressProblem *diagnostic.Diagnostic
	// ClientCertificate is what backends are shown that speak TLS and ask for it;
	// nil for none.
	ClientCertificate *Certificate
	// ResolvedRefs is the zero value where the Gateway itself refers to nothing:
	// the condition is then absent.
	ResolvedRefs Verdict
	// Listeners are the Gateway's own, then those of ListenerSets, in the order
	// in which they win.
	Listeners []*Listener
	// ListenerSets that name the Gateway, in the same order, whether or not they
	// are let in.
	ListenerSets []*ListenerSet
	// AttachedRoutes of all listeners are counted per listener.
}

// Config is the resolved GatewayConfig.
type Config struct {
	Spec     v1alpha1.GatewayConfigSpec
	Replicas int32
	// DrainTimeout and TerminationGracePeriod are what the configuration says,
	// or what policies of the Gateway's routes ask for where that is longer.
	DrainTimeout           time.Duration
	TerminationGracePeriod time.Duration
	// PodGracePeriod bounds TerminationGracePeriod. It does not depend on
	// policies.
	PodGracePeriod time.Duration
}

// Key returns the Gateway's namespace and name.
func (g *Gateway) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: g.Source.Namespace, Name: g.Source.Name}
}

// Listener is one listener of a Gateway, or of a ListenerSet of it.
type Listener struct {
	Source *gatewayv1.Listener
	Owner  ListenerOwner
	// Index in the owner's listeners.
	Index int
	// Position among all listeners of the Gateway.
	Position int
	// Hostname in lower case; empty for any.
	Hostname string
	// TLS says that the listener terminates TLS, Passthrough that it leaves that
	// to backends.
	TLS, Passthrough bool
	// SupportedKinds as the status lists them.
	SupportedKinds []gatewayv1.RouteGroupKind
	Accepted       Verdict
	ResolvedRefs   Verdict
	// Conflicted is True where the listener clashes with another one.
	Conflicted Verdict
	// Certificates that resolved and are good, in the order written. nginx uses
	// the first.
	Certificates []Certificate
	// AwaitsCertificate says that cert-manager is about to make what is missing.
	AwaitsCertificate bool
	// ClientValidation is nil where clients are asked for no certificate.
	ClientValidation *ClientValidation
	// Routes attached to the listener, oldest first.
	Routes []Attachment
	// HTTPSRedirect is nil where requests are served.
	HTTPSRedirect *HTTPSRedirect
	// AttachedRoutes counts accepted routes, whether or not the listener works.
	AttachedRoutes int32
}

// Serves says that nginx gets a server for the listener.
func (l *Listener) Serves() bool {
	return l.Accepted.True && !l.Conflicted.True && (!l.TLS || len(l.Certificates) > 0)
}

// Certificate is a certificate chain with its key, checked.
type Certificate struct {
	Secret types.NamespacedName
	// PEM is the chain, then the private key.
	PEM []byte
}

// Attachment is a route at a listener.
type Attachment struct {
	Route *Route
	// Hostnames are those of the route that the listener also has, in lower
	// case, each the narrower of the two; one empty string for any host.
	Hostnames []Hostname
	// Counted says that it is one of the listener's AttachedRoutes.
	Counted bool
}

// Hostname is one hostname under which an attached route answers.
type Hostname struct {
	// Effective is the narrower of the listener's and the route's hostname.
	Effective string
	// Written is the route's own hostname, whose length decides precedence;
	// empty where the route names none.
	Written string
}

// Route is a route of ours, of any kind.
type Route struct {
	Source snapshot.Route
	// HTTP is the route itself where it is an HTTPRoute. Of a GRPCRoute it has
	// what both kinds share: filters and backends. It is nil for other kinds.
	HTTP    *gatewayv1.HTTPRoute
	Parents []Parent
	Rules   []*Rule
	// PartiallyInvalid is True where some rules, but not all, can not do what
	// they say. Otherwise it is the zero value: the condition is then absent.
	PartiallyInvalid Verdict

	// plain says that there is nothing to tell of the rules: see Rebuild.
	plain bool
}

// Key returns the route's namespace and name.
func (r *Route) Key() types.NamespacedName {
	return snapshot.KeyOf(r.Source)
}

// Parent is the outcome for one parentRef that names a Gateway of ours, or a
// ListenerSet of one.
type Parent struct {
	Ref     gatewayv1.ParentReference
	Gateway *Gateway
	// ListenerSet is nil where the Gateway itself is named.
	ListenerSet  *ListenerSet
	Accepted     Verdict
	ResolvedRefs Verdict
	// Index of Ref in the route's parentRefs.
	Index int
}

// Rule is one rule of a route, with everything resolved.
type Rule struct {
	Index int
	// Source is as written, that of a GRPCRoute in the form of an HTTPRoute's
	// and without matches; nil for streams.
	Source *gatewayv1.HTTPRouteRule
	// GRPC says that requests are gRPC's, with trailers.
	GRPC bool
	// Name is empty where the rule has none.
	Name string
	// Matches, at least one: a rule without matches has the prefix "/". None in
	// routes of streams, whose rules match everything.
	Matches []Match
	// Invalid is set where the rule can not do what it says (an unresolved or
	// unsupported filter): it answers 500, with its matches in force.
	Invalid bool
	// Filters, in the rule's order, of the kinds below.
	RequestHeaders  []HeaderChange
	ResponseHeaders []HeaderChange
	Redirect        *Redirect
	Rewrite         *Rewrite
	CORS            *CORS
	// Mirrors get copies of the requests.
	Mirrors []Mirror
	// Upstream is where requests go; nil with Redirect. A rule without
	// backendRefs, or with nothing but weight 0, has an upstream of only the 500
	// sentinel.
	Upstream *Upstream
	// Session is nil where clients are bound to no endpoint.
	Session *Session
	// Hop is nil where nginx alone does what the rule says. Where it is set, the
	// agent sends requests to its Backends in place of Upstream.
	Hop *Hop
	// WebSocket says that a filter or a policy asks for websockets.
	WebSocket bool
	// IdleTimeout of proxied connections (proxy_read_timeout,
	// proxy_send_timeout; proxy_timeout of streams).
	IdleTimeout time.Duration
	// OneAnswer says of a UDPRoute's rule that a datagram is answered with one,
	// as in DNS.
	OneAnswer bool
	// WebSocketLimits are what its policy asks of websockets.
	WebSocketLimits WebSocketLimits
	// DrainTimeout is how long its policy wants open websockets to live on; 0
	// where it does not say.
	DrainTimeout time.Duration
}

// PathKind is how a path is matched.
type PathKind int

// The kinds of path match, in the order in which they win.
const (
	PathExact PathKind = iota
	PathRegex
	PathPrefix
)

// Match is one match of a rule: all that is set must hold.
type Match struct {
	Index    int
	PathKind PathKind
	// Path is the exact path, the prefix without trailing slash ("/" for all),
	// or the regular expression (PCRE2, checked, matched from the start).
	Path string
	// Method is empty for any.
	Method string
	// GRPC decides between matches of GRPCRoutes before their paths do.
	GRPC    GRPCMatch
	Headers []ValueMatch
	Query   []ValueMatch
}

// GRPCMatch has the lengths of what a match of a GRPCRoute names (Gateway API,
// GRPCRouteRule.matches).
type GRPCMatch struct{ ServiceLength, MethodLength int }

// ValueMatch is a condition on a header or query parameter.
type ValueMatch struct {
	Name  string
	Value string
	Regex bool
}

// HeaderAction is what a header filter does.
type HeaderAction int

// The actions of a header filter.
const (
	HeaderSet HeaderAction = iota
	HeaderAdd
	HeaderRemove
)

// HeaderChange is one action of a header filter. Websocket upgrade headers are
// not among them: they are what Rule.WebSocket says.
type HeaderChange struct {
	Action HeaderAction
	Name   string
	Value  string
}

// PathRewrite replaces the whole path or the matched prefix.
type PathRewrite struct {
	// Prefix says that only the matched prefix is replaced.
	Prefix bool
	Value  string
}

// Redirect answers with a Location; empty fields keep the request's own.
type Redirect struct {
	Scheme   string
	Hostname string
	// Port 0 means: the port that Gateway API prescribes (the scheme's own when
	// the scheme is given, else the listener's).
	Port int32
	Path *PathRewrite
	Code int
}

// Rewrite changes the request on its way to the backend.
type Rewrite struct {
	Hostname string
	Path     *PathRewrite
}

// Upstream is a set of weighted backends, shared by all rules with the same
// single backend, and otherwise owned by one rule, so that a change of weights
// needs no reload.
type Upstream struct {
	// ID is readable, unique, and a DNS label of at most 63 octets.
	ID string
	// Endpoints with weights; never empty (sentinels).
	Endpoints []bundle.Endpoint
	// HTTP2 says that they speak HTTP/2: by prior knowledge without TLS (RFC
	// 9113, section 3.3), chosen by ALPN with it.
	HTTP2 bool
	// TLS is nil for an upstream that speaks plain text.
	TLS *BackendTLS
	// Refused says that it speaks TLS and nobody knows whom to trust: requests
	// to it are answered with 500.
	Refused bool
}

// Policy is a WebSocketPolicy and what became of it.
type Policy struct {
	Source *v1alpha1.WebSocketPolicy
	// Ancestors has an entry for each Gateway that a targeted route attaches to.
	Ancestors []PolicyAncestor
}

// PolicyAncestor is the outcome for one Gateway.
type PolicyAncestor struct {
	// Gateway is empty where a target does not exist.
	Gateway types.NamespacedName
	// Target is the HTTPRoute that does not exist, where Gateway is empty.
	Target   types.NamespacedName
	Accepted Verdict
}
