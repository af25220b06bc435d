package graph

import (
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// WebSocketLimits are what must hold for a request to become a websocket. The
// zero value asks for nothing.
type WebSocketLimits struct {
	// Refused says that none may: the policy that was to limit them is faulty.
	Refused bool
	// Origins are the only web sites whose pages may open one, sorted; empty for
	// any.
	Origins []Origin
	// Max of them may be open at the same time in one nginx pod, together with
	// those of all rules with the same Counter; 0 for any number.
	Max     int32
	Counter string
}

// Allow says whether the value of the header Origin, empty where there is none,
// may open a websocket.
func (l WebSocketLimits) Allow(origin string) bool {
	if origin == "" || len(l.Origins) == 0 {
		return true
	}
	from, fault := parseOrigin(origin)
	return fault == "" && slices.ContainsFunc(l.Origins, func(o Origin) bool {
		parent, below := strings.CutPrefix(o.Host, "*")
		return o.Scheme == from.Scheme && o.Port == from.Port &&
			(o.Host == from.Host || below && strings.HasSuffix(from.Host, parent) && len(from.Host) > len(parent))
	})
}

// maxWebSockets is the highest limit that nginx counts to (limit_conn).
const maxWebSockets = 65535

// longestCounter keeps keys below the 255 bytes that nginx counts by
// (limit_conn): it would let longer ones pass uncounted.
const longestCounter = 200

// policyFaults are what keeps a policy from doing what it says.
func policyFaults(p *v1alpha1.WebSocketPolicy) []diagnostic.Diagnostic {
	faults := durationFaults("spec.idleTimeout", p.Spec.IdleTimeout)
	_, bad := readOrigins(p)
	faults = append(faults, bad...)
	if n := p.Spec.MaxConnections; n != nil && (*n < 1 || *n > maxWebSockets) {
		faults = append(faults, diagnostic.InvalidMaxConnections.At("spec.maxConnections",
			"a target has room for 1 to 65535 websockets", ""))
	}
	return append(faults, durationFaults("spec.drainTimeout", p.Spec.DrainTimeout)...)
}

func durationFaults(field string, d *gatewayv1.Duration) []diagnostic.Diagnostic {
	if d == nil {
		return nil
	}
	if parsed, err := time.ParseDuration(string(*d)); err == nil && parsed >= 0 {
		return nil
	}
	return []diagnostic.Diagnostic{badDuration(field, *d)}
}

// restricts says that the policy keeps somebody out. Such a policy is in force
// though it be faulty, and then keeps everybody out.
func restricts(p *v1alpha1.WebSocketPolicy) bool {
	return p.Spec.AllowedOrigins != nil || p.Spec.MaxConnections != nil
}

// limitsOf returns what the policy asks of websockets to the target.
func limitsOf(p *v1alpha1.WebSocketPolicy, target policyTarget) WebSocketLimits {
	if len(policyFaults(p)) > 0 {
		return WebSocketLimits{Refused: restricts(p)}
	}
	var limits WebSocketLimits
	limits.Origins, _ = readOrigins(p)
	if p.Spec.MaxConnections != nil {
		limits.Max, limits.Counter = *p.Spec.MaxConnections, target.counter()
	}
	return limits
}

// counter names the target among all that nginx counts websockets of. It does
// not depend on the policy, so that a changed one finds those that are open.
func (t policyTarget) counter() string {
	name := t.namespace + "/" + t.name
	if t.section != "" {
		name += "/" + t.section
	}
	return shorten(name, longestCounter)
}
