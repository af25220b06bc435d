package nginx

import (
	"time"

	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// sticky has an upstream bind clients to its members by a cookie.
type sticky struct {
	Cookie token.Name
	Path   token.CookiePath
	// Secure is for clients that come by TLS alone.
	Secure bool
	// Seconds that the cookie lives; nil for as long as the browser's session.
	Seconds *token.Int
	// Drained has the members that take no new clients; nil where there are
	// none.
	Drained *token.Name
}

// upstreamOf returns the upstream for the candidate's requests. nginx has the
// attributes of a session's cookie at the upstream, so there is one for each
// path, and for TLS.
func (s *locationSet) upstreamOf(c candidate) (token.Name, bool) {
	session, u := c.rule.Session, c.rule.Upstream
	if session == nil || u == nil {
		return s.upstream(u)
	}
	path := c.match.CookiePath()
	block := sticky{Secure: s.listener.TLS}
	var okCookie, okPath bool
	block.Cookie, okCookie = token.NewName(session.Cookie)
	block.Path, okPath = token.NewCookiePath(path)
	if !okCookie || !okPath {
		return token.Name{}, false
	}
	if session.Lifetime > 0 {
		seconds := token.NewInt(int64(session.Lifetime / time.Second))
		block.Seconds = &seconds
	}
	if u := session.DrainedUpstream(path, s.listener.TLS); u != nil {
		drained, ok := s.upstream(u)
		if !ok {
			return token.Name{}, false
		}
		block.Drained = &drained
		s.drained[u.ID] = true
	}
	own := session.Upstream(u, path, s.listener.TLS)
	name, ok := s.upstream(own)
	if ok {
		s.sticky[own.ID] = &block
	}
	return name, ok
}
