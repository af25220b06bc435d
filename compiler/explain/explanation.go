package explain

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Explanation is what becomes of a request at one Gateway.
type Explanation struct {
	Gateway types.NamespacedName
	Request Request
	// Listener that has the host; empty where none has.
	Listener string
	// ListenerSet that the listener is of; empty where it is the Gateway's own.
	ListenerSet types.NamespacedName
	Answer      Answer
	// PassedOnBy is the TLSRoute or TCPRoute that has the whole connection, of
	// whose requests nginx sees nothing; nil where nginx looks at them.
	PassedOnBy *snapshot.RouteKey
	// Winner is the rule that answers; nil where none does.
	Winner *Rule
	// Others are the rules that do not, in the order in which they would.
	Others []Other
}

// Answer is what the client gets.
type Answer struct {
	// Refused says that there is no TLS connection.
	Refused bool
	// Closed says that the connection is closed.
	Closed bool
	// Status that nginx itself answers; 0 where backends are asked.
	Status int
	// Location of a redirect.
	Location string
	// Backends that are asked, with their weights.
	Backends []Backend
	// MaxWebSockets that may be open: one more is answered with 503. 0 where the
	// request is for none, or any number may be.
	MaxWebSockets int32
	// Deadline after which a backend's silence is answered with 504; 0 where only
	// the idle timeout bounds it.
	Deadline time.Duration
	// Draining are backends that answer only those clients who have a session
	// there.
	Draining []Backend
	// Authorizer is the Service that decides whether Backends are asked; nil
	// where none does.
	Authorizer *Backend
	// ClientCertificate says that who shows no valid certificate gets no answer.
	ClientCertificate bool
	// Encrypted says that backends are spoken to by TLS: one whose certificate
	// does not fit is answered for with 502.
	Encrypted bool
	// Why nginx answers what it does; with Backends, what it changes.
	Why string
	// Unsure says that a rule before the winner might answer instead.
	Unsure bool
}

// Backend is a Service that a rule sends requests to.
type Backend struct {
	Service types.NamespacedName
	Port    int32
	Weight  int32
}

// Rule names a match of a rule of a route.
type Rule struct {
	Route types.NamespacedName
	Rule  int
	// Name of the rule; empty where it has none.
	Name string
	// Match is the index of the match.
	Match int
	// Matches says what the match asks for.
	Matches string
}

// Other is a rule that does not answer.
type Other struct {
	Rule
	// Whole says that all rules of the route are meant.
	Whole bool
	Why   string
}

// Of explains what the Gateway does with the request; false where it does not
// listen on the port.
func Of(g *graph.Gateway, routes []*graph.Route, r Request) (Explanation, bool) {
	if s, ok := nginx.StreamAt(g, r.Port, r.serverName()); ok {
		return ofStream(g, s, r), true
	}
	host, ok := nginx.HostAt(g, r.Port, r.Host)
	if !ok {
		return Explanation{}, false
	}
	e := Explanation{Gateway: g.Key(), Request: r}
	if host.Listener != nil {
		e.Listener = string(host.Listener.Source.Name)
		if owner := host.Listener.Owner; owner.Kind == "ListenerSet" {
			e.ListenerSet = owner.Key()
		}
	}
	path, sound := r.path()
	switch answer, early := beforeRouting(g, host, r); {
	case early:
		e.Answer = answer
	case !sound:
		e.Answer = Answer{Status: 400, Why: "nginx refuses such a path"}
	default:
		e.route(host, path)
		e.Answer.ClientCertificate = asksForCertificate(host, r)
	}
	e.strangers(g, host, routes)
	return e, true
}

// beforeRouting is what happens before a rule is looked for.
func beforeRouting(g *graph.Gateway, host nginx.Host, r Request) (Answer, bool) {
	_, tls := nginx.Listens(g)
	switch {
	case r.TLS && !tls[r.Port]:
		return Answer{Refused: true, Why: "the port does not speak TLS"}, true
	case !r.TLS && tls[r.Port]:
		return Answer{Status: 400, Why: "the port speaks TLS, and the client does not"}, true
	case r.TLS:
		with, ok := nginx.Handshake(g, r.Port, r.ServerName)
		switch {
		case !ok:
			return Answer{Refused: true, Why: fmt.Sprintf("no listener has a certificate for %q", r.ServerName)}, true
		case host.Isolated && with != host.Listener:
			return Answer{
				Status: 421,
				Why:    "the TLS handshake was with another listener than the one that has the host",
			}, true
		case asksForCertificate(host, r) && r.ServerName != "" && r.ServerName != r.Host:
			return Answer{
				Status: 421,
				Why:    "where clients need certificates, a connection serves the one host that its handshake was for",
			}, true
		}
	}
	if host.Listener == nil {
		return Answer{Status: 404, Why: "no listener has the host"}, true
	}
	return Answer{}, false
}

// route finds the rule that answers among the candidates.
func (e *Explanation) route(host nginx.Host, path string) {
	var winner nginx.Candidate
	for _, c := range host.Candidates {
		f := fitOf(c.Match, e.Request, path)
		switch {
		case f.fits == no:
			e.Others = append(e.Others, Other{Rule: ruleOf(c), Why: f.why})
		case e.Winner != nil:
			why := fmt.Sprintf("it fits as well, but the rule that answers comes first: %s", winner.Over(c))
			if f.fits == unsure {
				why = f.why + "; the rule that answers comes first in any case"
			}
			e.Others = append(e.Others, Other{Rule: ruleOf(c), Why: why})
		case f.fits == unsure:
			e.Answer.Unsure = true
			e.Others = append(e.Others, Other{Rule: ruleOf(c), Why: "perhaps it answers: " + f.why})
		default:
			winner = c
			e.Winner = new(ruleOf(c))
		}
	}
	unsure := e.Answer.Unsure
	switch {
	case e.Winner != nil:
		e.Answer = answerOf(winner, e.Request)
	case host.Redirect != nil:
		e.Answer = redirectToHTTPS(host, e.Request)
	default:
		e.Answer = Answer{Status: 404, Why: "no rule fits the request"}
	}
	e.Answer.Unsure = unsure
	for _, c := range host.Redirected {
		e.Others = append(e.Others, Other{Rule: ruleOf(c), Why: redirectsAll})
	}
}

const redirectsAll = "its listener redirects all but ACME challenges to HTTPS"

// redirectToHTTPS is what a listener does that serves nothing itself.
func redirectToHTTPS(host nginx.Host, r Request) Answer {
	location, _ := host.Redirect.Of(r.Host, r.Target)
	return Answer{Status: host.Listener.HTTPSRedirect.Code, Location: location, Why: "the GatewayConfig redirects to HTTPS"}
}

// answerOf is what the candidate's rule does.
func answerOf(c nginx.Candidate, r Request) Answer {
	switch {
	case c.Rule.Invalid:
		return Answer{Status: 500, Why: "the rule cannot do what it says: lint and status tell why"}
	case c.Rule.Upstream != nil && c.Rule.Upstream.Refused:
		return Answer{Status: 500, Why: "the backend speaks TLS, and nobody knows whom to trust (lint tells why)"}
	case c.Refuses:
		return Answer{Status: 500, Why: "nginx cannot hold what the rule says"}
	case c.Rule.CORS != nil && r.isPreflight():
		return Answer{Status: 204, Why: "the rule's CORS filter says which web sites may go on"}
	case c.Location != nil:
		location, ok := c.Location.Of(r.Host, r.Target)
		if !ok {
			return Answer{Status: 400, Why: "the client encoded a character of the replaced prefix that needs no encoding"}
		}
		return Answer{Status: c.Rule.Redirect.Code, Location: location, Why: "the rule redirects"}
	}
	if r.isForWebSocket() {
		if why := refusal(c.Rule.WebSocketLimits, r); why != "" {
			return Answer{Status: 403, Why: why}
		}
	}
	a := Answer{
		Backends: backendsOf(c), Deadline: deadline(c.Rule),
		Encrypted: encrypts(c.Rule),
		Why:       together(encryption(c.Rule), changes(c.Rule), copies(c), bound(c.Rule), byHop(c.Rule)),
	}
	if r.isForWebSocket() {
		a.MaxWebSockets = c.Rule.WebSocketLimits.Max
	}
	failing := slices.ContainsFunc(c.Rule.Upstream.Endpoints, func(e bundle.Endpoint) bool {
		return e.Port == bundle.InvalidBackendPort
	})
	switch {
	case len(a.Backends) == 0:
		a.Status, a.Why = 500, "the rule has no backend with a weight above 0"
	case failing:
		const why = "with 500 in place of a backend that cannot be used (lint tells why)"
		a.Why = together(why, a.Why)
	}
	authorize(&a, c)
	if c.Rule.Session != nil && a.Status == 0 {
		a.Draining = drainingOf(c)
	}
	return a
}

// backendsOf are the backends with a weight above 0.
func backendsOf(c nginx.Candidate) []Backend {
	return slices.DeleteFunc(weightedOf(c), func(b Backend) bool { return b.Weight <= 0 })
}

func weightedOf(c nginx.Candidate) []Backend {
	var backends []Backend
	for _, ref := range c.Rule.Source.BackendRefs {
		b := Backend{Service: types.NamespacedName{Namespace: c.Route.Source.GetNamespace(), Name: string(ref.Name)}, Weight: 1}
		if ref.Namespace != nil && *ref.Namespace != "" {
			b.Service.Namespace = string(*ref.Namespace)
		}
		if ref.Port != nil {
			b.Port = *ref.Port
		}
		if ref.Weight != nil {
			b.Weight = *ref.Weight
		}
		backends = append(backends, b)
	}
	return backends
}

// changes tells what the rule changes of a request that it sends on.
func changes(rule *graph.Rule) string {
	switch rw := rule.Rewrite; {
	case rw == nil:
		return ""
	case rw.Path == nil:
		return fmt.Sprintf("with the host %q", rw.Hostname)
	case rw.Path.Prefix && rw.Hostname == "":
		return fmt.Sprintf("with the matched prefix replaced by %q", rw.Path.Value)
	case rw.Path.Prefix:
		return fmt.Sprintf("with the host %q, and the matched prefix replaced by %q", rw.Hostname, rw.Path.Value)
	case rw.Hostname == "":
		return fmt.Sprintf("with the path %q", rw.Path.Value)
	default:
		return fmt.Sprintf("with the host %q and the path %q", rw.Hostname, rw.Path.Value)
	}
}
