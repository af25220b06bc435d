package nginx

import (
	"slices"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// toHTTPS returns what the listener does with a request for the hostname that
// matches no candidate: it redirects to HTTPS where it redirects, and answers
// 404 otherwise.
func toHTTPS(l *graph.Listener, hostname string) (otherwise handler, redirected bool) {
	port, redirected := l.HTTPSRedirect.PortFor(hostname)
	if !redirected {
		return refuse(404), false
	}
	parts := []token.Part{token.Text("https://"), token.Of(token.RequestHost)}
	if port != schemePorts["https"] {
		parts = append(parts, token.Text(":"+token.NewInt(port).String()))
	}
	location, _ := token.NewValue(append(parts, token.Of(token.RequestURI))...)
	return handler{Redirect: &redirect{Code: token.NewInt(l.HTTPSRedirect.Code), Location: location}}, true
}

// challenges keeps the candidates that answer ACME servers.
func challenges(candidates []candidate) []candidate {
	return slices.DeleteFunc(candidates, func(c candidate) bool { return !c.match.IsChallenge() })
}
