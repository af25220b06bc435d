package explain

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// String is the explanation for people, of several lines.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Request)
	at := "no listener has the host"
	if e.Listener != "" {
		at = fmt.Sprintf("listener %q", e.Listener)
	}
	if e.ListenerSet.Name != "" {
		at += " of ListenerSet " + e.ListenerSet.String()
	}
	fmt.Fprintf(&b, "  at        Gateway %s, %s\n", e.Gateway, at)
	if e.PassedOnBy != nil {
		fmt.Fprintf(&b, "  by        %s\n", e.PassedOnBy)
	}
	if e.Winner != nil {
		fmt.Fprintf(&b, "  by        %s (%s)\n", e.Winner, e.Winner.Matches)
	}
	fmt.Fprintf(&b, "  answered  %s\n", e.Answer)
	if e.Answer.Unsure {
		b.WriteString("  perhaps   a rule that is listed first below answers instead: see there\n")
	}
	for i, o := range e.Others {
		label := "not by"
		if i > 0 {
			label = ""
		}
		what := fmt.Sprintf("%s (%s)", o.Rule, o.Matches)
		if o.Whole {
			what = "HTTPRoute " + o.Route.String()
		}
		fmt.Fprintf(&b, "  %-8s  %s:\n              %s\n", label, what, o.Why)
	}
	return b.String()
}

// String returns "GET https://whoami.example.net/api".
func (r Request) String() string {
	scheme, usual := "http", int32(80)
	if r.TLS {
		scheme, usual = "https", 443
	}
	host := r.Host
	if r.Port != usual {
		host = net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port)))
	}
	s := fmt.Sprintf("%s %s://%s%s", r.Method, scheme, host, r.Target)
	for _, h := range r.Headers {
		s += fmt.Sprintf("\n%s: %s", h[0], h[1])
	}
	return s
}

// String says what the client gets.
func (a Answer) String() string {
	if a.ClientCertificate {
		a.ClientCertificate = false
		return a.String() + ", to clients with a certificate of the Gateway's authorities"
	}
	var to []string
	for _, b := range a.Backends {
		service := fmt.Sprintf("Service %s:%d", b.Service, b.Port)
		if len(a.Backends) > 1 {
			service += fmt.Sprintf(" (weight %d)", b.Weight)
		}
		to = append(to, service)
	}
	switch {
	case a.Refused:
		return "with a refused TLS handshake: " + a.Why
	case a.Closed:
		return "with a closed connection: " + a.Why
	case a.Location != "":
		return fmt.Sprintf("with %d, to %s", a.Status, a.Location)
	case a.Status != 0:
		return fmt.Sprintf("with %d by nginx: %s", a.Status, a.Why)
	}
	said := "from " + strings.Join(to, ", ")
	if a.Authorizer != nil {
		said = fmt.Sprintf("by Service %s:%d, or once that lets it in %s", a.Authorizer.Service, a.Authorizer.Port, said)
	}
	if a.Why != "" {
		said += ", " + a.Why
	}
	for _, b := range a.Draining {
		said += fmt.Sprintf(", or from Service %s:%d (weight 0) to a client with a session there", b.Service, b.Port)
	}
	if a.MaxWebSockets > 0 {
		said += fmt.Sprintf(", or with 503 while %d websockets are open in the pod", a.MaxWebSockets)
	}
	return said
}
