package agent_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/test/bench/control/workload"
)

// The load of BenchmarkReloadsWithOpenWebsockets. workersEach is what the
// templates give each generation.
const (
	reloadRoutes      = 100
	socketsEach       = 3
	workersEach       = 2
	drainingBound     = 8
	warmUp            = 50
	mostGrowth        = 1.5
	reloadsPerLogLine = 100
)

// BenchmarkReloadsWithOpenWebsockets is a reload of a hundred routes while each
// generation of workers has three websockets, which nobody closes. It fails if
// more old workers are left after a reload than the bound on generations allows,
// if a websocket within the bound does not echo, or if nginx comes to need more
// than mostGrowth times the memory that it had after the first reloads.
//
// Run it with -benchtime 1000x.
func BenchmarkReloadsWithOpenWebsockets(b *testing.B) {
	p := newBenchPlane(b)
	address := backend(b, "web")
	var sockets [][]*websocket.Conn
	var before memory
	most := 0
	for i := 0; b.Loop(); i++ {
		p.mustPush(p.compiledFor(b, i, address))
		b.StopTimer()
		old := len(p.workers()) - workersEach
		most = max(most, old)
		if old > drainingBound*workersEach {
			b.Fatalf("after reload %d there are %d old workers", i+1, old)
		}
		var fresh []*websocket.Conn
		for range socketsEach {
			fresh = append(fresh, p.socketOf(workload.Host(0)))
		}
		sockets = append(sockets, fresh)
		if gone := len(sockets) - drainingBound - 1; gone > 0 {
			for _, c := range sockets[0] {
				c.CloseNow()
			}
			sockets = sockets[gone:]
		}
		p.mustEcho(sockets)
		if i+1 == warmUp || (i+1)%reloadsPerLogLine == 0 {
			now := p.memory()
			b.Logf("after %4d reloads: %s, %d old workers, agent has told of %d", i+1, now, old, len(p.state().Drains))
			if i+1 == warmUp {
				before = now
			}
			if limit := mostGrowth * float64(before.pss); float64(now.pss) > limit {
				b.Fatalf("nginx has %s, after %d reloads it had %s", now, warmUp, before)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(most), "old-workers-at-most")
	b.ReportMetric(float64(p.memory().pss)/1024, "MB-at-the-end")
}

// compiledFor is a revision of the routes, all with the one endpoint.
func (p *plane) compiledFor(b *testing.B, revision int, address string) bundle.Bundle {
	offer := p.compiled(b, reloadRoutes, revision, "127.0.0.1")
	for i := range offer.Upstreams {
		offer.Upstreams[i].Endpoints = upstream("", address).Endpoints
	}
	offer.DrainSeconds = int64((24 * time.Hour).Seconds())
	return offer
}

func (p *plane) socketOf(host string) *websocket.Conn {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+p.http+"/", &websocket.DialOptions{Host: host})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *plane) mustEcho(generations [][]*websocket.Conn) {
	p.t.Helper()
	for age, sockets := range generations {
		for _, c := range sockets {
			ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
			err := c.Write(ctx, websocket.MessageText, []byte("here?"))
			if err == nil {
				_, _, err = c.Read(ctx)
			}
			cancel()
			if err != nil {
				p.t.Fatalf("a websocket of %d generations ago: %v", len(generations)-1-age, err)
			}
		}
	}
}

// memory is what all processes of nginx have together, in KiB.
type memory struct {
	pss, master int
	processes   int
}

func (m memory) String() string {
	return fmt.Sprintf("%.1f MiB in %d processes (master %.1f)", float64(m.pss)/1024, m.processes, float64(m.master)/1024)
}

func (p *plane) memory() memory {
	p.t.Helper()
	master := p.master()
	m := memory{master: p.pss(master), processes: 1}
	m.pss = m.master
	for _, pid := range p.workers() {
		m.pss += p.pss(pid)
		m.processes++
	}
	return m
}

// pss is the process's proportional share of memory (proc_pid_smaps(5)), in KiB.
func (p *plane) pss(pid int) int {
	p.t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "Pss:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				p.t.Fatal(err)
			}
			return n
		}
	}
	p.t.Fatalf("no Pss of process %d", pid)
	return 0
}
