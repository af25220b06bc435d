package explain

import (
	"fmt"
	"strings"

	"github.com/gatewright/gatewright/compiler/nginx"
)

// preflightMethod is how browsers ask.
const preflightMethod = "OPTIONS"

// isPreflight says that a browser asks beforehand whether a page of another web
// site may send a request (Fetch, CORS-preflight request).
func (r Request) isPreflight() bool {
	return r.Method == preflightMethod && r.header("Origin") != "" && r.header("Access-Control-Request-Method") != ""
}

// asksForCertificate says that clients of the host need a certificate.
func asksForCertificate(host nginx.Host, r Request) bool {
	return r.TLS && host.Listener != nil && host.Listener.ClientValidation != nil && !host.Listener.ClientValidation.Insecure
}

// copies tells where copies of requests go, if anywhere.
func copies(c nginx.Candidate) string {
	var to []string
	for _, m := range c.Rule.Mirrors {
		ref := c.Rule.Source.Filters[m.Index].RequestMirror.BackendRef
		namespace := c.Route.Source.GetNamespace()
		if ref.Namespace != nil && *ref.Namespace != "" {
			namespace = string(*ref.Namespace)
		}
		to = append(to, fmt.Sprintf("Service %s/%s", namespace, ref.Name))
	}
	if len(to) == 0 {
		return ""
	}
	return "with copies to " + strings.Join(to, ", ")
}

// together joins what is said of one answer.
func together(said ...string) string {
	var all []string
	for _, s := range said {
		if s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, ", ")
}
