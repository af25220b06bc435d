package graph

import (
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Upstreams returns the upstreams of the snapshot's routes as every bundle has
// them that needs them, by ID; whether one does is not asked. An ID says all that
// the endpoints depend on, beside the Services, EndpointSlices, ReferenceGrants and
// BackendTLSPolicies that it leads through: so a snapshot without other routes
// gives the same.
//
// takesHop says that the agent's hop has some of the endpoints.
func Upstreams(s snapshot.Snapshot) (upstreams map[string]*Upstream, takesHop bool) {
	b := &builder{
		s:         s,
		slices:    map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		services:  map[servicePort]service{},
		upstreams: map[string]*Upstream{},
	}
	b.indexEndpointSlices()
	b.readBackendTLSPolicies()
	for _, source := range s.Routes() {
		route := &Route{Source: source}
		b.readRulesOf(route)
		for _, rule := range route.Rules {
			takesHop = takesHop || rule.Hop != nil
			if rule.Session != nil && rule.Upstream != nil {
				b.addSessionUpstreams(rule)
			}
		}
	}
	return b.upstreams, takesHop
}

// addSessionUpstreams adds what the rule's upstream is called for each cookie.
func (b *builder) addSessionUpstreams(rule *Rule) {
	for i := range rule.Matches {
		path := rule.Matches[i].CookiePath()
		for _, secure := range []bool{false, true} {
			u := rule.Session.Upstream(rule.Upstream, path, secure)
			b.upstreams[u.ID] = u
			if drained := rule.Session.DrainedUpstream(path, secure); drained != nil {
				b.upstreams[drained.ID] = drained
			}
		}
	}
}
