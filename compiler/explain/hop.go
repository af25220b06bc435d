package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gatewright/compiler/graph"
)

// deadline is how long a backend has at most; 0 where nothing bounds it.
func deadline(rule *graph.Rule) time.Duration {
	switch hop := rule.Hop; {
	case hop == nil:
		return 0
	case hop.BackendTimeout == 0 || hop.RequestTimeout > 0 && hop.RequestTimeout < hop.BackendTimeout:
		return hop.RequestTimeout
	default:
		return hop.BackendTimeout
	}
}

// byHop tells what the agent does about the request, as nginx cannot.
func byHop(rule *graph.Rule) string {
	hop := rule.Hop
	if hop == nil {
		return ""
	}
	var all []string
	if hop.RequestTimeout > 0 {
		all = append(all, fmt.Sprintf("within %s", hop.RequestTimeout))
	}
	if hop.BackendTimeout > 0 {
		all = append(all, fmt.Sprintf("each attempt within %s", hop.BackendTimeout))
	}
	if hop.Retry != nil {
		all = append(all, fmt.Sprintf("with up to %d retries", hop.Retry.Attempts))
	}
	// Behind an authorization server, the hop does what the whole rule says, too.
	if hop.Auth == nil && slices.ContainsFunc(hop.Backends, func(b graph.HopBackend) bool {
		return b.Rewrite != nil || len(b.RequestHeaders)+len(b.ResponseHeaders) > 0
	}) {
		all = append(all, "with what single backends ask for")
	}
	if rule.Upstream.TLS == nil && encrypts(rule) {
		all = append(all, "by TLS where a BackendTLSPolicy asks for it")
	}
	return strings.TrimSpace("through the agent's hop " + strings.Join(all, ", "))
}
