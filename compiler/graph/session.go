package graph

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// Session binds a client to the endpoint that answered it first, by a cookie
// (GEP-1619; nginx, directive sticky).
type Session struct {
	// Cookie is its name.
	Cookie string
	// Lifetime of the cookie in whole seconds; 0 for one that ends with the
	// browser's session.
	Lifetime time.Duration
	// Drained are the backends of weight 0: they keep the sessions that they
	// have (GEP-1619, "Traffic Splitting"). nil where there are none.
	Drained *Upstream

	words []string
}

// Upstream returns the one for requests of clients whose cookie has that path:
// nginx has the cookie's attributes at the upstream. What it is called depends on
// no endpoints, as a new name needs a reload.
func (s *Session) Upstream(of *Upstream, path string, secure bool) *Upstream {
	own := *of
	own.ID = dnsLabel(s.wordsFor(path, secure)...)
	return &own
}

// DrainedUpstream is Upstream for the endpoints that take no new clients; nil
// where there are none. It has a name for each upstream that it is part of: nginx
// would ask for a shared one only once.
func (s *Session) DrainedUpstream(path string, secure bool) *Upstream {
	if s.Drained == nil {
		return nil
	}
	own := *s.Drained
	own.ID = dnsLabel(append(s.wordsFor(path, secure), "drained")...)
	return &own
}

func (s *Session) wordsFor(path string, secure bool) []string {
	words := slices.Clone(s.words)
	if path != "/" {
		words = append(words, path)
	}
	if secure {
		words = append(words, "tls")
	}
	return words
}

// CookiePath is the path of the cookie of a session, so that rules for other
// paths have sessions of their own (GEP-1619, "Path"): the matched path, or of
// an expression the whole segments that it begins with. Where a path has
// characters that clients may write in several ways, or that would end the
// attribute, it is the one above.
func (m *Match) CookiePath() string {
	path := m.Path
	if m.PathKind == PathRegex {
		path = literalSegments(path)
	}
	kept := ""
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if segment == "" || strings.ContainsFunc(segment, func(r rune) bool { return !isCookiePathRune(r) }) {
			break
		}
		kept += "/" + segment
	}
	if kept == "" {
		return "/"
	}
	return kept
}

func isCookiePathRune(r rune) bool { return isHeaderRune(r) || r == '.' || r == '_' || r == '~' }

// literalSegments are the segments with which every match of the expression
// begins.
func literalSegments(expression string) string {
	compiled, err := regexp.Compile(strings.TrimPrefix(expression, "^"))
	if err != nil {
		// PCRE2 has more to offer.
		return ""
	}
	prefix, _ := compiled.LiteralPrefix()
	return prefix[:strings.LastIndexByte(prefix, '/')+1]
}

// cookieName matches names that browsers keep on every kind of listener, and
// that nginx finds again.
var cookieName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// readSession reads whether clients are to be bound to endpoints. What the
// cookie of nginx cannot do is refused, as sessions that end too early, or
// never, lose or keep what they should not.
func (r *ruleReader) readSession() {
	source, field := r.source.SessionPersistence, r.field+".sessionPersistence"
	if source == nil {
		return
	}
	s := &Session{
		words: []string{r.route.Namespace, r.route.Name, r.words(), "session"},
	}
	s.Cookie = hashed("gw-session", strings.Join(s.words, "/"), maxLabel)
	if source.SessionName != nil && *source.SessionName != "" {
		s.Cookie = *source.SessionName
	}
	switch lower := strings.ToLower(s.Cookie); {
	case !cookieName.MatchString(s.Cookie):
		r.fault(diagnostic.InvalidSession, field+".sessionName", fmt.Sprintf("%q is no name of a cookie", s.Cookie), "")
	case strings.HasPrefix(lower, "__host-"), strings.HasPrefix(lower, "__secure-"):
		r.fault(diagnostic.InvalidSession, field+".sessionName",
			fmt.Sprintf("browsers keep the cookie %q only where it has attributes that not every listener gives", s.Cookie), "write a name without the prefix")
	}
	if source.Type != nil && *source.Type != gatewayv1.CookieBasedSessionPersistence {
		r.refuseSession(field+".type", fmt.Sprintf("sessions by %q are not supported: nginx hands out cookies", *source.Type), "write Cookie")
	}
	if r.rule.Redirect != nil {
		r.refuseSession(field, "a rule that redirects has no backends to bind a client to", "leave it out")
	}
	s.Lifetime = r.readLifetime(source, field)
	r.rule.Session = s
}

func (r *ruleReader) refuseSession(field, message, fix string) {
	r.fault(diagnostic.UnsupportedSession, field, message, fix)
}

// readLifetime returns how long the cookie lives.
func (r *ruleReader) readLifetime(source *gatewayv1.SessionPersistence, field string) time.Duration {
	lifetime := gatewayv1.SessionCookieLifetimeType
	if c := source.CookieConfig; c != nil && c.LifetimeType != nil && *c.LifetimeType != "" {
		lifetime = *c.LifetimeType
	}
	permanent := lifetime == gatewayv1.PermanentCookieLifetimeType
	switch {
	case !permanent && lifetime != gatewayv1.SessionCookieLifetimeType:
		r.fault(diagnostic.InvalidSession, field+".cookieConfig.lifetimeType", fmt.Sprintf("%q is no lifetime of a cookie", lifetime), "")
		return 0
	case permanent && source.AbsoluteTimeout == nil:
		r.fault(diagnostic.InvalidSession, field+".absoluteTimeout", "a permanent cookie needs a time after which it ends", "")
		return 0
	case source.AbsoluteTimeout == nil:
		return 0
	case !permanent:
		r.refuseSession(field+".absoluteTimeout", "nginx does not end sessions whose cookie has no end",
			"write cookieConfig.lifetimeType: Permanent, so that the cookie ends, or leave the timeout out")
		return 0
	}
	d, err := time.ParseDuration(string(*source.AbsoluteTimeout))
	switch {
	case err != nil || d < 0:
		r.faults = append(r.faults, badDuration(field+".absoluteTimeout", *source.AbsoluteTimeout))
		return 0
	case d < time.Second || d%time.Second != 0:
		r.fault(diagnostic.InvalidSession, field+".absoluteTimeout", fmt.Sprintf("a cookie lives for whole seconds, not for %s", *source.AbsoluteTimeout), "")
		return 0
	}
	r.remark(diagnostic.RenewedSession, field+".absoluteTimeout",
		fmt.Sprintf("each answer renews the cookie, so a session ends %s after the client's last request", *source.AbsoluteTimeout))
	return d
}

// sessionUpstream returns the upstream of the rule alone: who has a session
// there has none elsewhere.
func (r *ruleReader) sessionUpstream(shares []share) *Upstream {
	s := r.rule.Session
	s.words = append(s.words, r.spoken(r.allSpeakHTTP2())...)
	u := r.namedUpstream(dnsLabel(s.words...), shares)
	u.HTTP2 = r.allSpeakHTTP2()
	if port, ok := r.onlyService(); ok {
		resolved := r.service(port)
		u.TLS, u.Refused = resolved.tls, resolved.untrusted
	}
	return u
}

// nobody stands for drained endpoints where there are none, as an upstream is
// never empty. It is no sentinel: who was answered by one, while there were no
// endpoints, has a session with it, and would never get away.
var nobody = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1)

// drain notes a backend of weight 0. Endpoints that get new sessions as well
// are no such backend.
func (r *ruleReader) drain(drained []netip.AddrPort, shares []share) {
	s := r.rule.Session
	if s == nil || len(drained) == 0 {
		return
	}
	known := map[netip.AddrPort]bool{noEndpoints: true, invalidBackend: true}
	for _, other := range shares {
		for _, e := range other.endpoints {
			known[e] = true
		}
	}
	var old []netip.AddrPort
	for _, e := range drained {
		if !known[e] {
			known[e], old = true, append(old, e)
		}
	}
	if len(old) == 0 {
		old = []netip.AddrPort{nobody}
	}
	s.Drained = r.namedUpstream(dnsLabel(append(slices.Clone(s.words), "drained")...), []share{{weight: 1, endpoints: old}})
}

// finishSession refuses what goes past nginx's choice of an endpoint, and what
// nginx cannot do for some of an upstream's endpoints.
func (r *ruleReader) finishSession() {
	if r.rule.Session == nil {
		return
	}
	for i := range r.source.BackendRefs {
		ref := &r.source.BackendRefs[i]
		port, fault := serviceOf(&ref.BackendObjectReference, r.route.Namespace)
		if fault != nil || ref.Weight == nil || *ref.Weight > 0 {
			continue
		}
		if resolved := r.service(port); resolved.tls != nil || resolved.untrusted || r.speaksHTTP2(port) != r.allSpeakHTTP2() {
			r.refuseSession(fmt.Sprintf("%s.backendRefs[%d]", r.field, i),
				"sessions with a backend of weight 0 that speaks TLS, or another protocol than the others, cannot go on", "leave the backend out")
		}
	}
	// Also where there is no hop for want of backends: those of weight 0 would
	// be reached without it.
	if r.hop.wanted || r.rule.Hop != nil {
		r.refuseSession(r.field+".sessionPersistence",
			"a rule whose requests take the agent's hop (timeouts, retries, external authorization, copies of calls, filters or TLS of single backends) binds no clients",
			"leave out the one or the other")
	}
}
