package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
)

// encryption tells how the rule's backend is spoken to by TLS.
func encryption(rule *graph.Rule) string {
	t := rule.Upstream.TLS
	switch {
	case t == nil:
		return ""
	case t.HasAltNames():
		return fmt.Sprintf("by TLS, for %q, with a certificate for %s", t.Hostname,
			strings.Join(append(append([]string(nil), t.DNSNames...), t.URIs...), " or "))
	}
	return fmt.Sprintf("by TLS, with a certificate for %q", t.Hostname)
}

// encrypts says that a backend of the rule is spoken to by TLS.
func encrypts(rule *graph.Rule) bool {
	return rule.Upstream.TLS != nil || rule.Hop != nil && slices.ContainsFunc(rule.Hop.Backends, func(b graph.HopBackend) bool {
		return b.Upstream.TLS != nil
	})
}
