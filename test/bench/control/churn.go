package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/bench/control/workload"
	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

const (
	// churnRate is in changes a second.
	churnRate  = 50
	churnSpan  = 20 * time.Second
	churnEvery = time.Second / churnRate
	// movePause is the least time between two requests for a route whose endpoint
	// moves. It grows with the time that the move takes, by a tenth of it: else those
	// that wait would slow each other down.
	movePause = time.Millisecond
)

// churn changes an endpoint at a time, at a steady rate, and waits for each
// until requests reach the new one. Where Services are few, each would have several
// changes a second, and nginx asks for news only once in one: these are left out.
func (b *bench) churn(ctx context.Context) error {
	const name = "churn"
	// What was deleted before may still be on its way, and with it a reload.
	if err := b.pause(ctx, 3*calm); err != nil {
		return err
	}
	single, err := b.move(ctx, time.Second, 20)
	if err != nil {
		return err
	}
	b.report.durations(row{Measurement: name, Routes: b.routes, What: "one change at a time"}, single.took, 50, 99)
	b.report.add(row{name, b.routes, "operator's processor time for one", milliseconds(single.processor) / float64(len(single.took)), "ms"})
	total := single
	if b.routes >= churnSize {
		many, err := b.move(ctx, churnEvery, int(churnSpan/churnEvery))
		if err != nil {
			return err
		}
		b.report.durations(row{Measurement: name, Routes: b.routes, What: fmt.Sprintf("%d changes a second", churnRate)}, many.took, 50, 95, 99)
		b.report.add(row{name, b.routes, "operator's processor time for one of these", milliseconds(many.processor) / float64(len(many.took)), "ms"})
		total = total.and(many)
	}
	b.report.add(row{name, b.routes, "reloads of nginx", total.reloads, ""})
	b.report.add(row{name, b.routes, fmt.Sprintf("requests failed of %d meanwhile, for the routes whose endpoints move and for another one", total.asked), float64(total.refused), ""})
	return nil
}

// moved is what became of a number of changes.
type moved struct {
	took           []time.Duration
	processor      time.Duration
	reloads        float64
	asked, refused int64
}

// and is what became of both.
func (m moved) and(o moved) moved {
	return moved{append(m.took, o.took...), m.processor + o.processor, m.reloads + o.reloads, m.asked + o.asked, m.refused + o.refused}
}

// move makes so many changes.
func (b *bench) move(ctx context.Context, every time.Duration, count int) (moved, error) {
	var m moved
	reloads, err := b.reloads(ctx)
	if err != nil {
		return m, err
	}
	before := cpuOf("operator")
	guard := b.watch(ctx)
	var mu sync.Mutex
	var failure error
	var changes sync.WaitGroup
	c := b.laptop(true)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := range count {
		<-ticker.C
		// Neighbours are not next to each other, and no Service comes twice soon.
		i := 1 + (n*7)%(b.routes-1)
		changes.Go(func() {
			one, err := b.moveOne(ctx, c, i)
			mu.Lock()
			defer mu.Unlock()
			m = m.and(one)
			if err != nil {
				failure = err
			}
		})
	}
	changes.Wait()
	if failure != nil {
		return m, failure
	}
	m.processor = cpuOf("operator") - before
	asked, refused := guard.end()
	m.asked, m.refused = m.asked+asked, m.refused+refused
	after, err := b.reloads(ctx)
	m.reloads = after - reloads
	return m, err
}

// moveOne gives the i-th Service the other endpoint, and asks for its route all the
// while.
func (b *bench) moveOne(ctx context.Context, c *http.Client, i int) (moved, error) {
	var m moved
	response, err := ask(ctx, c, i)
	if err != nil {
		return m, err
	}
	target := topology.LANHostIP
	if response.Header.Get(backendHeader) == target {
		target = topology.ClientIP
	}
	patch := fmt.Appendf(nil, `[{"op":"replace","path":"/endpoints/0/addresses/0","value":%q}]`, target)
	if err := b.client.Patch(ctx, workload.NewEndpointSlice(i), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return m, fmt.Errorf("change EndpointSlice %s: %w", workload.Name(i), err)
	}
	began := time.Now()
	for is := fromBackend(target); time.Since(began) < patience; time.Sleep(max(movePause, time.Since(began)/10)) {
		response, err := ask(ctx, c, i)
		m.asked++
		if err != nil || !served(response) {
			m.refused++
			sayFailed(i, response, err)
			continue
		}
		if is(response) {
			m.took = []time.Duration{time.Since(began)}
			return m, nil
		}
	}
	return m, fmt.Errorf("endpoint of %s: %w", workload.Name(i), errNotServed)
}

// reloads is how often the Gateway's nginx has been reloaded, as its agent says.
func (b *bench) reloads(ctx context.Context) (float64, error) {
	pods := &corev1.PodList{}
	if err := b.client.List(ctx, pods, client.InNamespace(workload.Namespace), client.MatchingLabels(infra.PodLabels(gatewayKey))); err != nil {
		return 0, fmt.Errorf("find the nginx pod: %w", err)
	}
	inside := &http.Client{Transport: &http.Transport{DialContext: b.lab.Cluster.Network(cluster.Node).DialContext, DisableKeepAlives: true}}
	total := 0.0
	for _, pod := range pods.Items {
		page := "http://" + net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(bundle.HealthPort)) + "/metrics"
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
		if err != nil {
			return 0, err
		}
		response, err := inside.Do(request)
		if err != nil {
			return 0, fmt.Errorf("read the agent's metrics: %w", err)
		}
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if value, ok := strings.CutPrefix(lines.Text(), "gatewright_agent_reloads_total "); ok {
				n, _ := strconv.ParseFloat(value, 64)
				total += n
			}
		}
		response.Body.Close()
	}
	return total, nil
}
