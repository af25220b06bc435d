package bundle

import (
	"cmp"
	"slices"
	"strings"
)

// HopSocket is the Unix socket on which the agent's hop takes requests from
// nginx (`server unix:<HopSocket>;` in an upstream). It exists while a bundle
// with hop rules is live.
const HopSocket = RunDir + "/hop.sock"

// HopHeader is the request header with which nginx names the HopRule of a
// request. proxy_set_header replaces what a client sent under that name; the
// hop removes it.
const HopHeader = "Gatewright-Hop"

// Hop is what the agent's HTTP hop does for the rules that nginx cannot serve
// alone. It is no part of ConfigHash: its rules and endpoints change without a
// reload. The zero value is no hop.
type Hop struct {
	// Rules are sorted by ID.
	Rules []HopRule `json:"rules,omitempty"`
	// Upstreams are the endpoints of the rules' backends, sorted by ID. They are
	// a table of their own, since nginx asks the agent for each of
	// Bundle.Upstreams, and a reload waits until it has. The two tables may
	// share IDs and know nothing of each other.
	Upstreams []Upstream `json:"upstreams,omitempty"`
}

// HopRule says what the hop does with the requests that carry its ID.
type HopRule struct {
	// ID is the value of HopHeader: a DNS label (RFC 1035, at most 63 octets).
	// A rule whose backends replace a prefix has an ID for each prefix that it
	// matches.
	ID string `json:"id"`
	// RequestTimeoutMillis bounds a request, from its arrival at the hop to the
	// last byte of the response, all retries included
	// (HTTPRouteTimeouts.request). 0 is no bound.
	RequestTimeoutMillis int64 `json:"requestTimeoutMillis,omitempty"`
	// BackendTimeoutMillis bounds each attempt, from its start to the last byte
	// of the backend's response (HTTPRouteTimeouts.backendRequest). 0 is no
	// bound.
	BackendTimeoutMillis int64 `json:"backendTimeoutMillis,omitempty"`
	// Retry is nil where the rule asks for no retries.
	Retry *HopRetry `json:"retry,omitempty"`
	// Backends are in the order of the route. Without any, the hop answers 500.
	Backends []HopBackend `json:"backends,omitempty"`
	// Auth is nil where nobody is asked whether a request is let in. Else the
	// rule's backends are there and not in Backends, so that an agent that knows
	// nothing of Auth lets no request in.
	Auth *HopAuth `json:"auth,omitempty"`
	// GRPCAuth is there in place of Auth where the question is a gRPC call. It is
	// a field of its own, so that an agent that knows nothing of it does not take
	// the 200 of a gRPC server for a yes.
	GRPCAuth *HopGRPCAuth `json:"grpcAuth,omitempty"`
	// Mirrors get copies of requests, as they come, where nginx would have to
	// read them whole first.
	Mirrors []HopMirror `json:"mirrors,omitempty"`
}

// HopAuth is who decides which requests are let in (HTTPExternalAuthFilter with
// protocol HTTP): those that it answers with 200.
type HopAuth struct {
	// Server is asked, by a request with the method, host and path of the
	// client's; its Rewrite adds a prefix to the path. Its weight and headers
	// are of no account.
	Server HopBackend `json:"server"`
	// TimeoutMillis bounds the question, from its start to the last byte of the
	// answer. Above 0.
	TimeoutMillis int64 `json:"timeoutMillis"`
	// RequestHeaders are sent as the client wrote them, besides Authorization.
	RequestHeaders []string `json:"requestHeaders,omitempty"`
	// ResponseHeaders are copied from the answer into the request, in place of
	// what the client sent under those names. Empty stands for all that the
	// answer has, but for those that frame a message.
	ResponseHeaders []string `json:"responseHeaders,omitempty"`
	// MaxBodyBytes is how long a body may be, which is sent to the server; longer
	// ones are answered with 413. 0 sends no bodies. At most 65535.
	MaxBodyBytes int64 `json:"maxBodyBytes,omitempty"`
	// Backends are those of the rule.
	Backends []HopBackend `json:"backends,omitempty"`
}

// HopGRPCAuth is who decides which requests are let in (HTTPExternalAuthFilter with
// protocol GRPC), by Envoy's protocol:
// envoy.service.auth.v3.Authorization/Check.
type HopGRPCAuth struct {
	// Server is called. It speaks HTTP/2; its weight, headers and Rewrite are of
	// no account.
	Server HopBackend `json:"server"`
	// TimeoutMillis bounds the call, from its start to the last byte of the
	// answer. Above 0.
	TimeoutMillis int64 `json:"timeoutMillis"`
	// RequestHeaders are told as the client wrote them, in lower case; "host" and
	// "content-length" may be among them. Empty stands for all that the request
	// has, but for those of the connection.
	RequestHeaders []string `json:"requestHeaders,omitempty"`
	// MaxBodyBytes is that of HopAuth.
	MaxBodyBytes int64 `json:"maxBodyBytes,omitempty"`
	// Backends are those of the rule.
	Backends []HopBackend `json:"backends,omitempty"`
}

// HopMirror is a backend that gets copies of a rule's requests; what it answers
// is dropped (HTTPRequestMirrorFilter).
type HopMirror struct {
	// Backend has the weight 1.
	Backend HopBackend `json:"backend"`
	// Share of the requests, in hundredths of a percent: 1 to 10000.
	Share int32 `json:"share"`
}

// HopRetry says when an attempt is followed by another (GEP-1731).
type HopRetry struct {
	// Attempts is the largest number of retries, so requests are sent at most
	// Attempts+1 times.
	Attempts int `json:"attempts"`
	// Codes are the statuses of responses to retry, sorted, 400 to 599. Lost
	// connections and attempts that timed out are retried whatever they are.
	Codes []int `json:"codes,omitempty"`
	// BackoffMillis is the pause between an attempt and the next.
	BackoffMillis int64 `json:"backoffMillis,omitempty"`
}

// HopBackend is one backend of a rule.
type HopBackend struct {
	// Upstream is the ID of its endpoints in Hop.Upstreams. The sentinels of
	// NoEndpointsPort and InvalidBackendPort are answered with 503 and 500.
	Upstream string `json:"upstream"`
	// Weight is its share of the rule's requests, 1 to 1000000 (backendRefs[].weight).
	Weight int32 `json:"weight"`
	// HTTP2 says that it speaks HTTP/2: chosen by ALPN with TLS, and by prior
	// knowledge without (RFC 9113, kubernetes.io/h2c). Else it is HTTP/1.1.
	HTTP2 bool `json:"http2,omitempty"`
	// TLS is nil for a backend that speaks plain text.
	TLS *HopTLS `json:"tls,omitempty"`
	// RequestHeaders and ResponseHeaders are changed in this order.
	RequestHeaders  []HopHeaderChange `json:"requestHeaders,omitempty"`
	ResponseHeaders []HopHeaderChange `json:"responseHeaders,omitempty"`
	// Rewrite is nil where the URL stays as nginx sent it.
	Rewrite *HopRewrite `json:"rewrite,omitempty"`
}

// HopTLS is how the hop connects to a backend by TLS (BackendTLSPolicy).
type HopTLS struct {
	// Hostname is the server name of the handshake (SNI, RFC 6066). The
	// backend's certificate must be for it unless DNSNames or URIs are given.
	Hostname string `json:"hostname"`
	// DNSNames and URIs are subject alternative names, of which the certificate
	// must have at least one (BackendTLSPolicyValidation.subjectAltNames). A
	// DNS name may start with "*.".
	DNSNames []string `json:"dnsNames,omitempty"`
	URIs     []string `json:"uris,omitempty"`
	// CA is the path of the one of Bundle.Files that has the authorities to
	// trust, "ca/x.pem". Empty stands for those of the system.
	CA string `json:"ca,omitempty"`
	// ClientCertificate is the path of the one of Bundle.Certificates that the
	// hop shows if it is asked, "certs/x.pem" (spec.tls.backend of the Gateway).
	ClientCertificate string `json:"clientCertificate,omitempty"`
}

// HopHeaderAction is what happens to a header.
type HopHeaderAction string

// The actions of HTTPHeaderFilter.
const (
	HopHeaderSet    HopHeaderAction = "set"
	HopHeaderAdd    HopHeaderAction = "add"
	HopHeaderRemove HopHeaderAction = "remove"
)

// HopHeaderChange changes one header. Headers that frame a message or belong
// to a connection are refused.
type HopHeaderChange struct {
	Action HopHeaderAction `json:"action"`
	Name   string          `json:"name"`
	// Value is empty for HopHeaderRemove.
	Value string `json:"value,omitempty"`
}

// HopRewrite is a URLRewrite filter of a backend.
type HopRewrite struct {
	// Hostname replaces the Host header; empty leaves it.
	Hostname string `json:"hostname,omitempty"`
	// Path is nil where the path stays.
	Path *HopPath `json:"path,omitempty"`
}

// HopPath replaces the path of a request, or a prefix of it.
type HopPath struct {
	// Prefix is the matched prefix that is replaced, decoded, as the path has it
	// when it reaches the hop. Empty replaces the whole path.
	Prefix string `json:"prefix,omitempty"`
	// Value is the replacement, percent-encoded, starting with a slash. The
	// slash between it and what follows a prefix is made one
	// (HTTPPathModifier.replacePrefixMatch).
	Value string `json:"value"`
}

// sort orders what has no order of its own.
func (h *Hop) sort() {
	slices.SortFunc(h.Rules, func(x, y HopRule) int { return strings.Compare(x.ID, y.ID) })
	for _, r := range h.Rules {
		if r.Retry != nil {
			slices.Sort(r.Retry.Codes)
		}
	}
	sortUpstreams(h.Upstreams)
}

func sortUpstreams(upstreams []Upstream) {
	slices.SortFunc(upstreams, func(x, y Upstream) int { return strings.Compare(x.ID, y.ID) })
	for _, u := range upstreams {
		slices.SortFunc(u.Endpoints, func(x, y Endpoint) int {
			return cmp.Or(strings.Compare(x.Address, y.Address), cmp.Compare(x.Port, y.Port))
		})
	}
}
