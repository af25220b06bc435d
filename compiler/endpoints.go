package compiler

import (
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// maxReached is for how many routes endpoints are compiled apart from the rest:
// with many more, that would be no quicker.
const maxReached = 100

// EndpointSlices are those that have changed, by key; nil are those that are gone.
type EndpointSlices map[types.NamespacedName]*discoveryv1.EndpointSlice

// Reach knows which routes of a snapshot lead to a Service, so that a change of
// its endpoints is compiled without the rest. It is immutable.
type Reach struct {
	snapshot snapshot.Snapshot
	// By Service.
	routes   map[types.NamespacedName][]snapshot.Route
	slices   map[types.NamespacedName][]*discoveryv1.EndpointSlice
	policies map[types.NamespacedName][]*gatewayv1.BackendTLSPolicy
}

// NewReach reads the snapshot.
func NewReach(s snapshot.Snapshot) *Reach {
	r := &Reach{
		snapshot: s,
		routes:   map[types.NamespacedName][]snapshot.Route{},
		slices:   map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		policies: map[types.NamespacedName][]*gatewayv1.BackendTLSPolicy{},
	}
	for _, route := range s.Routes() {
		for _, service := range route.Services() {
			r.routes[service] = append(r.routes[service], route)
		}
	}
	for _, slice := range s.EndpointSlices.All() {
		r.slices[serviceOf(slice)] = append(r.slices[serviceOf(slice)], slice)
	}
	for _, policy := range s.BackendTLSPolicies.All() {
		for _, target := range policy.Spec.TargetRefs {
			service := types.NamespacedName{Namespace: policy.Namespace, Name: string(target.Name)}
			r.policies[service] = append(r.policies[service], policy)
		}
	}
	return r
}

// serviceOf returns the Service that the EndpointSlice is of.
func serviceOf(slice *discoveryv1.EndpointSlice) types.NamespacedName {
	return types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
}

// Endpoints returns the upstreams that lead to one of the Services, and maybe
// others, with the endpoints that they have in every bundle that Run makes of the
// snapshot with the changed EndpointSlices; sorted by ID. What it costs does not
// depend on how many other Services and routes there are.
//
// False says that more follows than endpoints of nginx: all has to be compiled.
func (r *Reach) Endpoints(services []types.NamespacedName, changed EndpointSlices) ([]bundle.Upstream, bool) {
	routes := 0
	for _, service := range services {
		routes += len(r.routes[service])
	}
	switch {
	case routes == 0:
		return nil, true
	case routes > maxReached:
		return nil, false
	}
	upstreams, takesHop := graph.Upstreams(r.narrow(services, changed))
	if takesHop {
		return nil, false
	}
	var reached bundle.Bundle
	for id, u := range upstreams {
		reached.Upstreams = append(reached.Upstreams, bundle.Upstream{ID: id, Endpoints: slices.Clone(u.Endpoints)})
	}
	reached.Sort()
	return reached.Upstreams, true
}

// narrow returns the snapshot with no more than what the endpoints depend on of
// routes that lead to one of the Services.
func (r *Reach) narrow(services []types.NamespacedName, changed EndpointSlices) snapshot.Snapshot {
	whole := r.snapshot
	s := snapshot.Snapshot{
		ReferenceGrants: whole.ReferenceGrants,
		Secrets:         whole.Secrets, ConfigMaps: whole.ConfigMaps, SecretsUnknown: whole.SecretsUnknown,
	}
	used := map[types.NamespacedName]bool{}
	for _, service := range services {
		for _, route := range r.routes[service] {
			s = s.With(route.Object)
			for _, name := range route.Services() {
				used[name] = true
			}
		}
	}
	var found []*discoveryv1.EndpointSlice
	for name := range used {
		if service, ok := whole.Services.Get(name.Namespace, name.Name); ok {
			s = s.With(service)
		}
		for _, policy := range r.policies[name] {
			s = s.With(policy)
		}
		for _, slice := range r.slices[name] {
			if _, other := changed[snapshot.KeyOf(slice)]; !other {
				found = append(found, slice)
			}
		}
	}
	for _, slice := range changed {
		if slice != nil && used[serviceOf(slice)] {
			found = append(found, slice)
		}
	}
	s.EndpointSlices = snapshot.SetOf(found...)
	return s
}
