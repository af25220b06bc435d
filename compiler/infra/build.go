package infra

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// Build returns the objects of an accepted Gateway, in the order in which to
// apply them.
func Build(g *graph.Gateway, o Options) []Object {
	return []Object{serviceAccount(g), deployment(g, o), service(g)}
}

// meta is the metadata of all objects of the Gateway.
func meta(g *graph.Gateway) metav1.ObjectMeta {
	yes := true
	return metav1.ObjectMeta{
		Namespace:   g.Source.Namespace,
		Name:        Name(g.Key()),
		Labels:      labelsOf(g),
		Annotations: annotationsOf(g),
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway",
			Name: g.Source.Name, UID: g.Source.UID,
			Controller: &yes, BlockOwnerDeletion: &yes,
		}},
	}
}
