package compiler_test

import (
	"bytes"
	"fmt"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/nginx"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
	"github.com/gatewright/gatewright/test/bench/control/workload"
)

// sizes are the numbers of routes that the control path is measured with.
var sizes = []int{10, 1000, 5000}

var options = compiler.Options{Infra: infra.Options{Image: "nginx"}}

// BenchmarkScratch compiles all, as at the start of the operator.
func BenchmarkScratch(b *testing.B) {
	for _, n := range sizes {
		s := workload.Snapshot(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				compiler.Run(s, options)
			}
		})
	}
}

// BenchmarkOneRoute is what the operator has to compile for a change of one route,
// and for what a data plane then says of it.
func BenchmarkOneRoute(b *testing.B) {
	for _, n := range sizes {
		s := workload.Snapshot(n)
		_, memory := (*compiler.Memory)(nil).Run(s, options)
		b.Run(fmt.Sprintf("%d changed", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 1; b.Loop(); i++ {
				_, memory = memory.Run(s.With(workload.Changed(n-1, i)), options)
			}
		})
		b.Run(fmt.Sprintf("%d reported", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, memory = memory.Run(s, options)
			}
		})
	}
}

// BenchmarkStages tells what each stage takes from scratch.
func BenchmarkStages(b *testing.B) {
	for _, n := range sizes {
		s := workload.Snapshot(n)
		g := graph.Build(s)
		offer := nginx.Render(g.Gateways[0], nginx.Templates{})
		encoded, err := offer.Encode()
		if err != nil {
			b.Fatal(err)
		}
		stages := []struct {
			name string
			run  func()
		}{
			{"sets", func() { snapshot.SetOf(s.HTTPRoutes.All()...) }},
			{"graph", func() { graph.Build(s) }},
			{"status", func() { status.Build(g, s) }},
			{"render", func() { nginx.Render(g.Gateways[0], nginx.Templates{}) }},
			{"hash", func() { offer.Hash() }},
			{"confighash", func() { offer.ConfigHash() }},
			{"encode", func() { _, _ = offer.Encode() }},
			{"decode", func() { _, _ = bundle.Decode(bytes.NewReader(encoded)) }},
		}
		for _, stage := range stages {
			b.Run(fmt.Sprintf("%d %s", n, stage.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					stage.run()
				}
			})
		}
		b.Logf("%d routes: %d bytes encoded", n, len(encoded))
	}
}

// BenchmarkOneEndpoint is what the operator has to do for another endpoint of one
// Service, until it can be sent: with all compiled, hashed and encoded, and with the
// endpoints compiled apart.
func BenchmarkOneEndpoint(b *testing.B) {
	for _, n := range sizes {
		s := workload.Snapshot(n)
		change := func(i int) *discoveryv1.EndpointSlice {
			return workload.NewEndpointSlice(n-1, fmt.Sprintf("10.42.250.%d", 1+i%200))
		}
		b.Run(fmt.Sprintf("%d whole", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				all := compiler.Run(s.With(change(i)), options).Gateways[0].Bundle
				all.Hash()
				_, _ = all.Encode()
			}
		})
		b.Run(fmt.Sprintf("%d apart", n), func(b *testing.B) {
			reach := compiler.NewReach(s)
			served := compiler.Run(s, options).Gateways[0].Bundle
			table, hashes := served.Upstreams, served.Hashes()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				slice := change(i)
				key := snapshot.KeyOf(slice)
				upstreams, _ := reach.Endpoints([]types.NamespacedName{key}, compiler.EndpointSlices{key: slice})
				var changed []bundle.Upstream
				table, hashes, changed = bundle.Replace(table, hashes, upstreams)
				if hashes.Whole(); len(changed) != 1 {
					b.Fatalf("%d upstreams changed", len(changed))
				}
			}
		})
	}
}
