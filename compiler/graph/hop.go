package graph

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// Hop is what the agent does itself with the requests of a rule, as nginx
// cannot (package agent/hop): deadlines, retries within them, and changes that
// only one of several backends asks for.
type Hop struct {
	// RequestTimeout bounds a request with all its retries, BackendTimeout each
	// attempt; 0 is no bound (Gateway API, HTTPRouteTimeouts; GEP-1742).
	RequestTimeout time.Duration
	BackendTimeout time.Duration
	// Retry is nil where attempts are not repeated.
	Retry *Retry
	// Backends that get requests, in the rule's order; at least one.
	Backends []HopBackend
	// Auth is nil where nobody is asked whether a request is let in.
	Auth *Auth

	words []string
}

// Retry says when an attempt is followed by another (GEP-1731).
type Retry struct {
	// Attempts is the largest number of repeated attempts.
	Attempts int
	// Codes are the statuses to retry, sorted.
	Codes []int
	// Backoff is the least pause between two attempts.
	Backoff time.Duration
}

// HopBackend is one backend of a rule, with what is to happen to its requests
// alone.
type HopBackend struct {
	Upstream        *Upstream
	Weight          int32
	RequestHeaders  []HeaderChange
	ResponseHeaders []HeaderChange
	Rewrite         *Rewrite
}

// ID names the hop's rule, a DNS label of at most 63 octets. A rule of which a
// backend replaces the matched prefix has one for each match.
func (h *Hop) ID(m *Match) string {
	if h.ReplacesPrefix() {
		return dnsLabel(append(slices.Clone(h.words), strconv.Itoa(m.Index))...)
	}
	return dnsLabel(h.words...)
}

// ReplacesPrefix says that a backend has the matched prefix of paths replaced.
func (h *Hop) ReplacesPrefix() bool {
	return slices.ContainsFunc(h.Backends, func(b HopBackend) bool {
		return b.Rewrite != nil && b.Rewrite.Path != nil && b.Rewrite.Path.Prefix
	})
}

// hopReader gathers what a rule wants of the hop.
type hopReader struct {
	Hop
	// wanted says that nginx alone cannot do what the rule says.
	wanted bool
	// own are the changes of single backends, by their index in the rule.
	own map[int]HopBackend
}

// readTimeouts reads the deadlines. A timeout of zero is none.
func (r *ruleReader) readTimeouts() {
	t := r.source.Timeouts
	if t == nil {
		return
	}
	r.hop.RequestTimeout = r.readTimeout(t.Request, ".timeouts.request")
	r.hop.BackendTimeout = r.readTimeout(t.BackendRequest, ".timeouts.backendRequest")
	if r.hop.RequestTimeout > 0 && r.hop.BackendTimeout > r.hop.RequestTimeout {
		r.fault(diagnostic.InvalidTimeout, r.field+".timeouts.backendRequest",
			fmt.Sprintf("%s for one attempt is more than %s for all of them", *t.BackendRequest, *t.Request), "")
	}
}

func (r *ruleReader) readTimeout(d *gatewayv1.Duration, field string) time.Duration {
	if d == nil {
		return 0
	}
	parsed, err := time.ParseDuration(string(*d))
	if err != nil || parsed < 0 {
		r.faults = append(r.faults, badDuration(r.field+field, *d))
		return 0
	}
	r.hop.wanted = r.hop.wanted || parsed > 0
	return min(parsed, longestIdleTimeout)
}

// maxAttempts bounds what one request may cost the backends.
const maxAttempts = 20

// readRetry reads when requests are sent again. Without a number of attempts
// there is one more.
func (r *ruleReader) readRetry() {
	source, field := r.source.Retry, r.field+".retry"
	if source == nil {
		return
	}
	retry := &Retry{Attempts: 1}
	if source.Attempts != nil {
		retry.Attempts = *source.Attempts
	}
	if retry.Attempts < 1 || retry.Attempts > maxAttempts {
		r.fault(diagnostic.InvalidRetry, field+".attempts", fmt.Sprintf("%d is no number of retries", retry.Attempts), "")
	}
	for i, code := range source.Codes {
		if code < 400 || code > 599 {
			r.fault(diagnostic.InvalidRetry, fmt.Sprintf("%s.codes[%d]", field, i), fmt.Sprintf("%d is no status of an error", code), "")
			continue
		}
		retry.Codes = append(retry.Codes, int(code))
	}
	slices.Sort(retry.Codes)
	retry.Codes = slices.Compact(retry.Codes)
	if source.Backoff != nil {
		parsed, err := time.ParseDuration(string(*source.Backoff))
		if err != nil || parsed < 0 {
			r.faults = append(r.faults, badDuration(field+".backoff", *source.Backoff))
		}
		retry.Backoff = parsed
	}
	r.hop.Retry, r.hop.wanted = retry, true
}

// readBackendFilters reads the filters of single backends. An upgrade header
// means the same there as at the rule.
func (r *ruleReader) readBackendFilters() {
	for i := range r.source.BackendRefs {
		var own HopBackend
		seen := map[gatewayv1.HTTPRouteFilterType]bool{}
		for j := range r.source.BackendRefs[i].Filters {
			f := &r.source.BackendRefs[i].Filters[j]
			field := fmt.Sprintf("%s.backendRefs[%d].filters[%d]", r.field, i, j)
			if seen[f.Type] {
				r.fault(diagnostic.RepeatedFilter, field, fmt.Sprintf("a backend can have one filter of type %s", f.Type), "")
				continue
			}
			seen[f.Type] = true
			r.readBackendFilter(f, field, &own)
		}
		if len(own.RequestHeaders)+len(own.ResponseHeaders) > 0 || own.Rewrite != nil {
			r.hop.wanted = true
			if r.hop.own == nil {
				r.hop.own = map[int]HopBackend{}
			}
			r.hop.own[i] = own
		}
	}
}

func (r *ruleReader) readBackendFilter(f *gatewayv1.HTTPRouteFilter, field string, own *HopBackend) {
	switch {
	case f.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && f.RequestHeaderModifier != nil:
		own.RequestHeaders = r.readHeaderFilter(f.RequestHeaderModifier, field+".requestHeaderModifier", true)
	case f.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && f.ResponseHeaderModifier != nil:
		own.ResponseHeaders = r.readHeaderFilter(f.ResponseHeaderModifier, field+".responseHeaderModifier", false)
	case f.Type == gatewayv1.HTTPRouteFilterURLRewrite && f.URLRewrite != nil:
		own.Rewrite = r.readRewrite(f.URLRewrite, field+".urlRewrite")
		if r.rule.Rewrite != nil {
			r.fault(diagnostic.ContradictingFilters, field, "the rule rewrites the request already", "")
		}
	default:
		r.unsupported(field, fmt.Sprintf("filters of type %q for a single backend are", f.Type))
	}
}

// addHopBackend notes a backend that gets requests.
func (r *ruleReader) addHopBackend(index int, s share) {
	b := r.hop.own[index]
	b.Weight = s.weight
	ref := &r.source.BackendRefs[index].BackendObjectReference
	alone := share{weight: 1, endpoints: s.endpoints}
	if port, fault := serviceOf(ref, r.route.Namespace); fault == nil {
		b.Upstream = r.serviceUpstream(port, alone)
	} else {
		id := upstreamLabel(r.route.Namespace, r.route.Name, r.words(), "backend", strconv.Itoa(index))
		b.Upstream = r.namedUpstream(id, []share{alone})
	}
	r.hop.Backends = append(r.hop.Backends, b)
}

// encryptsAsNginxCannot says that the rule's backends speak TLS in a way that
// nginx cannot: some of them, or with other names than the one asked for. Those
// that nobody can trust count: else plain text could reach them in the moment
// in which their policy is mended.
func (r *ruleReader) encryptsAsNginxCannot() bool {
	_, single := r.onlyService()
	return slices.ContainsFunc(r.hop.Backends, func(b HopBackend) bool {
		tls := b.Upstream.TLS
		return !single && (tls != nil || b.Upstream.Refused) || tls != nil && tls.HasAltNames()
	})
}

// mixesProtocols says that some of the rule's backends speak HTTP/2 and some do
// not, or that they speak it by TLS: nginx has one protocol for all, and does not
// choose it by ALPN.
func (r *ruleReader) mixesProtocols() bool {
	return slices.ContainsFunc(r.hop.Backends, func(b HopBackend) bool {
		return b.Upstream.HTTP2 && (b.Upstream.TLS != nil || !r.allSpeakHTTP2())
	})
}

// finishHop gives the rule its hop, if it needs one and has somewhere to send
// requests.
func (r *ruleReader) finishHop() {
	if !r.hop.wanted && !r.encryptsAsNginxCannot() && !r.mixesProtocols() || len(r.hop.Backends) == 0 {
		return
	}
	hop := r.hop.Hop
	hop.behindAuth(r.rule)
	hop.words = append([]string{r.route.Namespace, r.route.Name, r.words(), "hop"}, r.spoken(false)...)
	r.rule.Hop = &hop
}
