package explain

import (
	"fmt"
	"slices"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
)

// bound tells whether a client comes back to the endpoint that answered it.
func bound(rule *graph.Rule) string {
	if rule.Session == nil {
		return ""
	}
	return fmt.Sprintf("always from the same endpoint for a client with the cookie %q", rule.Session.Cookie)
}

// drainingOf are the backends that get no new clients.
func drainingOf(c nginx.Candidate) []Backend {
	return slices.DeleteFunc(weightedOf(c), func(b Backend) bool { return b.Weight > 0 })
}
