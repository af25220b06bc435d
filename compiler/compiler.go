package compiler

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/nginx"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

// Options are what an installation decides once.
type Options struct {
	// Infra says how data planes are deployed.
	Infra infra.Options
	// Templates print the nginx configuration; the zero value is the built-in
	// set.
	Templates nginx.Templates
}

// Result is all that follows from a snapshot. It is sorted.
type Result struct {
	Gateways []Gateway
	// Statuses to write.
	Statuses status.Statuses
	// Policies are the WebSocketPolicies to own: one for each route whose
	// filters ask for websockets.
	Policies    []*v1alpha1.WebSocketPolicy
	Diagnostics []diagnostic.Diagnostic
}

// Gateway is what follows for one accepted Gateway of ours.
type Gateway struct {
	Key types.NamespacedName
	// Bundle is what its nginx is to serve.
	Bundle bundle.Bundle
	// Objects are to exist in its namespace, owned by it.
	Objects []infra.Object
}

// Run compiles the snapshot.
func Run(s snapshot.Snapshot, o Options) Result {
	g := graph.Build(s)
	r := Result{
		Statuses:    status.Build(g, s),
		Policies:    graph.GeneratedPolicies(g, s),
		Diagnostics: g.Diagnostics,
	}
	for _, gateway := range g.Gateways {
		if !gateway.Accepted.True {
			continue
		}
		r.Gateways = append(r.Gateways, Gateway{
			Key:     gateway.Key(),
			Bundle:  nginx.Render(gateway, o.Templates),
			Objects: infra.Build(gateway, o.Infra),
		})
	}
	return r
}
