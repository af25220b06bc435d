package compiler

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

// Memory is what one compilation leaves for the next one with the same options, so
// that what has not changed is not compiled again. It is immutable; nil, which
// remembers nothing, is where to begin.
type Memory struct {
	snapshot snapshot.Snapshot
	graph    graph.Graph
	result   Result
	nginx    map[types.NamespacedName]*nginx.Memory
}

// Run returns what the function Run does, and what to remember for the next time.
// Results have parts in common, which nobody may change.
func (m *Memory) Run(s snapshot.Snapshot, o Options) (Result, *Memory) {
	if m == nil {
		m = &Memory{}
	}
	change := s.Since(m.snapshot)
	next := &Memory{snapshot: s, nginx: make(map[types.NamespacedName]*nginx.Memory, len(m.nginx))}
	if change.IsNone() {
		next.graph, next.nginx, next.result = m.graph, m.nginx, m.result
		next.result.Statuses = status.Build(m.graph, s)
		return next.result, next
	}
	next.graph = graph.Rebuild(s, m.graph, change)
	next.result = follow(next.graph, s, o, func(g *graph.Gateway) bundle.Bundle {
		b, remembered := m.nginx[g.Key()].Render(g, o.Templates)
		next.nginx[g.Key()] = remembered
		return b
	})
	return next.result, next
}
