package status

import (
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Statuses are all statuses to write. Conditions carry observedGeneration and
// no lastTransitionTime: the writer keeps the time of what did not change.
type Statuses struct {
	Classes  []Class
	Gateways []Gateway
	// ListenerSets of these Gateways.
	ListenerSets []ListenerSet
	Routes       []Route
	Policies     []Policy
	// BackendTLSPolicies have our entries alone, as Policies.
	BackendTLSPolicies []Policy
}

// Class is the status of a GatewayClass of ours.
type Class struct {
	Name   string
	Status gatewayv1.GatewayClassStatus
	// Used says whether the class must carry the gateway-exists finalizer.
	Used bool
}

// Gateway is the status of a Gateway of ours.
type Gateway struct {
	Key    types.NamespacedName
	Status gatewayv1.GatewayStatus
}

// ListenerSet is the status of a ListenerSet of one of our Gateways.
type ListenerSet struct {
	Key types.NamespacedName
	// Gateway is its parent.
	Gateway types.NamespacedName
	Status  gatewayv1.ListenerSetStatus
}

// Route holds our entries of a route's status.parents.
type Route struct {
	Key     snapshot.RouteKey
	Parents []gatewayv1.RouteParentStatus
}

// Policy holds our entries of a policy's status.ancestors.
type Policy struct {
	Key       types.NamespacedName
	Ancestors []gatewayv1.PolicyAncestorStatus
}
