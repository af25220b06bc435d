package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// HTTPSRedirect is how a listener of protocol HTTP sends requests on to HTTPS.
type HTTPSRedirect struct {
	// Code is the status of the redirect.
	Code int
	// Targets, the most specific hostname first.
	Targets []HTTPSTarget
}

// HTTPSTarget is where the requests for a hostname are sent.
type HTTPSTarget struct {
	// Hostname in lower case, within that of the HTTP listener; empty for any.
	Hostname string
	// Port of the HTTPS listener.
	Port int32
}

// PortFor returns the port to which requests for the hostname are redirected;
// false where they are not.
func (r *HTTPSRedirect) PortFor(hostname string) (int32, bool) {
	if r == nil {
		return 0, false
	}
	for _, t := range r.Targets {
		if covers(t.Hostname, hostname) {
			return t.Port, true
		}
	}
	return 0, false
}

const (
	defaultRedirectCode = 301
	httpsPort           = 443
	challengePath       = "/.well-known/acme-challenge"
)

// IsChallenge says whether the match is for the answers with which an ACME
// server is shown who has a hostname (RFC 8555, section 8.3). It asks for them
// over HTTP, before there is a certificate.
func (m *Match) IsChallenge() bool {
	return m.PathKind != PathRegex && (m.Path == challengePath || strings.HasPrefix(m.Path, challengePath+"/"))
}

func redirectFaults(spec *v1alpha1.GatewayConfigSpec) []diagnostic.Diagnostic {
	r := spec.HTTPSRedirect
	if r == nil || r.StatusCode == nil || slices.Contains([]int32{301, 302, 307, 308}, *r.StatusCode) {
		return nil
	}
	return []diagnostic.Diagnostic{diagnostic.InvalidRedirect.At("spec.httpsRedirect.statusCode",
		fmt.Sprintf("%d is no redirect that keeps the request", *r.StatusCode), "write 301, 302, 307 or 308")}
}

// redirectToHTTPS finds where the Gateway's HTTP listeners redirect to. An HTTPS
// listener counts whether or not it works: while its certificate is missing,
// what was to be encrypted is not served without.
func (b *builder) redirectToHTTPS(g *Gateway) {
	r := g.Config.Spec.HTTPSRedirect
	if r == nil || !r.Enabled {
		return
	}
	code := defaultRedirectCode
	if r.StatusCode != nil {
		code = int(*r.StatusCode)
	}
	for _, l := range g.Listeners {
		if l.Source.Protocol != "HTTP" || slices.Contains(r.ExceptListeners, l.Source.Name) {
			continue
		}
		targets := httpsTargets(l, g.Listeners)
		if len(targets) == 0 {
			b.reportOf(l.Owner, diagnostic.RedirectWithoutHTTPS.At(listenerField(l),
				fmt.Sprintf("no HTTPS listener has a hostname of listener %q, so its requests are served over HTTP", l.Source.Name), ""))
			continue
		}
		l.HTTPSRedirect = &HTTPSRedirect{Code: code, Targets: targets}
	}
}

// httpsTargets returns a target for each hostname that HTTPS listeners share
// with the HTTP one. Where two have the same, the port that clients know wins.
func httpsTargets(l *Listener, all []*Listener) []HTTPSTarget {
	var targets []HTTPSTarget
	for _, secure := range all {
		if secure.Source.Protocol != "HTTPS" {
			continue
		}
		if hostname, ok := narrower(l.Hostname, secure.Hostname); ok {
			targets = append(targets, HTTPSTarget{Hostname: hostname, Port: secure.Source.Port})
		}
	}
	slices.SortFunc(targets, func(a, b HTTPSTarget) int {
		return cmp.Or(-cmp.Compare(len(a.Hostname), len(b.Hostname)), strings.Compare(a.Hostname, b.Hostname),
			-cmp.Compare(weightOfPort(a.Port), weightOfPort(b.Port)), cmp.Compare(a.Port, b.Port))
	})
	return slices.CompactFunc(targets, func(a, b HTTPSTarget) bool { return a.Hostname == b.Hostname })
}

func weightOfPort(port int32) int {
	if port == httpsPort {
		return 1
	}
	return 0
}

// isRedirected says that no request reaches the route, as its listeners redirect
// all of them. A route that redirects by itself has what it wants.
func isRedirected(route *Route, listeners []*Listener) bool {
	for _, l := range listeners {
		for _, h := range commonHostnames(l.Hostname, route.Source.Hostnames) {
			if _, redirected := l.HTTPSRedirect.PortFor(h.Effective); !redirected {
				return false
			}
		}
	}
	return len(listeners) > 0 && !slices.ContainsFunc(route.Rules, func(r *Rule) bool {
		return r.Redirect != nil || slices.ContainsFunc(r.Matches, func(m Match) bool { return m.IsChallenge() })
	})
}
