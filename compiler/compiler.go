package compiler

import (
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
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
	Policies []*v1alpha1.WebSocketPolicy
	// Certificates are what the operator has cert-manager issue, each for one or
	// more Gateways.
	Certificates []*cmv1.Certificate
	// Awaited are the Certificates that cert-manager's gateway-shim has yet to
	// make or to change.
	Awaited     []types.NamespacedName
	Diagnostics []diagnostic.Diagnostic
}

// Gateway is what follows for one accepted Gateway of ours.
type Gateway struct {
	Key types.NamespacedName
	// Bundle is what its nginx is to serve.
	Bundle bundle.Bundle
	// Objects are to exist in its namespace, owned by it.
	Objects []infra.Object
	// Secrets are what its listeners name or are given, whether they exist or not.
	Secrets []types.NamespacedName
}

// Run compiles the snapshot.
func Run(s snapshot.Snapshot, o Options) Result {
	return follow(graph.Build(s), s, o, func(g *graph.Gateway) bundle.Bundle { return nginx.Render(g, o.Templates) })
}

// follow returns all that follows from a graph of the snapshot.
func follow(g graph.Graph, s snapshot.Snapshot, o Options, render func(*graph.Gateway) bundle.Bundle) Result {
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
			Bundle:  render(gateway),
			Objects: infra.Build(gateway, o.Infra),
			Secrets: graph.CertificateSecrets(gateway.Source, s),
		})
	}
	for _, i := range g.Issuances {
		if i.Maker == graph.MadeHere && !s.NoCertManager {
			r.Certificates = append(r.Certificates, infra.Certificate(i))
		}
		if i.Awaited {
			r.Awaited = append(r.Awaited, i.Key)
		}
	}
	return r
}
