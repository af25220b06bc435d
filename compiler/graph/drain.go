package graph

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// minPodGracePeriod is what a pod may take to end, at the least. It is the same
// whatever policies ask for up to it, as a change would replace the pod, and so
// cut the connections that were to live on.
const minPodGracePeriod = time.Hour

// raiseDrainTimes lengthens the drain times of Gateways to what the policies of
// their routes ask for.
func (b *builder) raiseDrainTimes() {
	for _, g := range b.g.Gateways {
		g.Config.PodGracePeriod = max(g.Config.TerminationGracePeriod, minPodGracePeriod)
		longest := longestDrainTimeout(g)
		g.Config.DrainTimeout = max(g.Config.DrainTimeout, longest)
		g.Config.TerminationGracePeriod = min(max(g.Config.TerminationGracePeriod, longest), g.Config.PodGracePeriod)
	}
}

func longestDrainTimeout(g *Gateway) time.Duration {
	longest := time.Duration(0)
	for _, l := range g.Listeners {
		for _, a := range l.Routes {
			for _, rule := range a.Route.Rules {
				longest = max(longest, rule.DrainTimeout)
			}
		}
	}
	return min(longest, longestIdleTimeout)
}

// drainSentence says how long the websockets of a policy that asks for a time
// live on at the Gateway: all have the longest time that any policy asks for.
func (j *policyJudge) drainSentence(gateway types.NamespacedName) string {
	g := j.gateways[gateway]
	if j.policy.Spec.DrainTimeout == nil || g == nil {
		return ""
	}
	return "; open websockets live through a reload for " + brief(g.Config.DrainTimeout) +
		", and through the replacement of a pod for " + brief(g.Config.TerminationGracePeriod)
}

// brief writes a time without units that are zero: 1h and not 1h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
