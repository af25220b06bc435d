package agent_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx"
	"github.com/gatewright/gatewright/test/bench/control/workload"
)

// BenchmarkApply is a push of a bundle that differs from the one before in one
// route (reload) or in the endpoints of one (endpoints), or a patch of these
// (patch), with a real nginx, from the request to the answer.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10, 1000, 5000} {
		b.Run(fmt.Sprintf("%d reload", n), func(b *testing.B) {
			p := newBenchPlane(b)
			revision := 0
			for b.Loop() {
				revision++
				p.mustPush(p.compiled(b, n, revision, "127.0.0.1"))
			}
		})
		b.Run(fmt.Sprintf("%d endpoints", n), func(b *testing.B) {
			p := newBenchPlane(b)
			p.mustPush(p.compiled(b, n, 0, "127.0.0.1"))
			revision := 0
			for b.Loop() {
				revision++
				p.mustPush(p.compiled(b, n, 0, fmt.Sprintf("127.0.0.%d", 2+revision%2)))
			}
		})
		b.Run(fmt.Sprintf("%d patch", n), func(b *testing.B) {
			p := newBenchPlane(b)
			live := p.compiled(b, n, 0, "127.0.0.1")
			p.mustPush(live)
			table, hashes := live.Upstreams, live.Hashes()
			for revision := 0; b.Loop(); revision++ {
				patch := bundle.Patch{Base: hashes.Whole()}
				moved := live.Upstreams[n-1]
				moved.Endpoints = []bundle.Endpoint{{Address: fmt.Sprintf("127.0.0.%d", 2+revision%2), Port: workload.TargetPort, Weight: 1}}
				table, hashes, patch.Upstreams = bundle.Replace(table, hashes, []bundle.Upstream{moved})
				patch.Next = hashes.Whole()
				if status, _ := p.patch(patch); status != http.StatusOK {
					b.Fatalf("patch: %d", status)
				}
			}
		})
	}
}

func newBenchPlane(b *testing.B) *plane {
	sentinelPort(b)
	p := newPlane(b)
	p.options.Logger = slog.New(slog.DiscardHandler)
	return p.run()
}

// compiled returns the bundle of n routes, the last of which has the revision
// and whose Service has the endpoint, for this plane's directories and ports.
func (p *plane) compiled(b *testing.B, n, revision int, endpoint string) bundle.Bundle {
	b.StopTimer()
	defer b.StartTimer()
	return p.routes(n, revision, endpoint)
}

func (p *plane) routes(n, revision int, endpoint string) bundle.Bundle {
	s := workload.Snapshot(n).
		With(workload.Changed(n-1, revision)).
		With(workload.NewEndpointSlice(n-1, endpoint))
	offer := nginx.Render(graph.Build(s).Gateways[0], nginx.Templates{})
	_, web, _ := net.SplitHostPort(p.http)
	for i, f := range offer.Files {
		for _, r := range [][2]string{
			{bundle.RunDir, p.options.RunDir},
			{fmt.Sprintf("127.0.0.1:%d", bundle.ResolverPort), p.options.ResolverAddress},
			{fmt.Sprintf("127.0.0.1:%d", bundle.StatusPort), p.options.StatusAddress},
			{fmt.Sprintf("listen %d", workload.Port), "listen " + web},
			{fmt.Sprintf("listen [::]:%d", workload.Port), "listen [::]:" + web},
		} {
			f.Data = bytes.ReplaceAll(f.Data, []byte(r[0]), []byte(r[1]))
		}
		offer.Files[i].Data = f.Data
	}
	return offer
}
