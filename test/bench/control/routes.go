package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/bench/control/workload"
	"github.com/gatewright/gatewright/test/homelab"
)

const (
	burstSize  = 100
	burstCount = 3
	crowdSize  = 1000
)

// propagation creates and changes single routes.
func (b *bench) propagation(ctx context.Context, samples int) error {
	const name = "propagation"
	guard := b.watch(ctx)
	before := cpuOf("operator")
	var created, changed []time.Duration
	extra := b.routes
	if err := b.createBackend(ctx, extra); err != nil {
		return err
	}
	for range samples {
		if err := b.pause(ctx, time.Second); err != nil {
			return err
		}
		took, err := b.time(ctx, extra, served, func() error { return b.createRoute(ctx, extra) })
		if err != nil {
			return err
		}
		created = append(created, took)
		if err := b.pause(ctx, time.Second); err != nil {
			return err
		}
		b.revision++
		took, err = b.time(ctx, extra, ofRevision(b.revision), func() error { return b.changeRoute(ctx, extra, b.revision) })
		if err != nil {
			return err
		}
		changed = append(changed, took)
		if err := b.deleteRoute(ctx, extra); err != nil {
			return err
		}
		if _, err := b.await(ctx, []int{extra}, gone); err != nil {
			return err
		}
	}
	used := cpuOf("operator") - before
	asked, refused := guard.end()
	b.report.durations(row{Measurement: name, Routes: b.routes, What: "one route created"}, created, 50, 95)
	b.report.durations(row{Measurement: name, Routes: b.routes, What: "one route changed"}, changed, 50, 95)
	b.report.add(row{name, b.routes, "operator's processor time for a change", milliseconds(used) / float64(3*samples), "ms"})
	b.report.add(row{name, b.routes, fmt.Sprintf("requests failed of %d for another route meanwhile", asked), float64(refused), ""})
	return b.deleteBackends(ctx, extra, extra+1)
}

// time returns how long it takes from the end of an API call until the route
// answers as expected.
func (b *bench) time(ctx context.Context, route int, is met, call func() error) (time.Duration, error) {
	if err := call(); err != nil {
		return 0, err
	}
	began := time.Now()
	at, err := b.await(ctx, []int{route}, is)
	if err != nil {
		return 0, err
	}
	return at[0].Sub(began), nil
}

// bursts creates many routes at once.
func (b *bench) bursts(ctx context.Context) error {
	const name = "propagation"
	end := b.routes + burstSize
	if err := b.each(ctx, b.routes, end, b.createBackend); err != nil {
		return err
	}
	var took []time.Duration
	guard := b.watch(ctx)
	for range burstCount {
		if err := b.pause(ctx, calm); err != nil {
			return err
		}
		created := make([]time.Time, burstSize)
		failed := make(chan error, 1)
		var mu sync.Mutex
		go func() {
			failed <- b.each(ctx, b.routes, end, func(ctx context.Context, i int) error {
				err := b.createRoute(ctx, i)
				mu.Lock()
				defer mu.Unlock()
				created[i-b.routes] = time.Now()
				return err
			})
		}()
		at, err := b.await(ctx, span(b.routes, end), served)
		if err != nil {
			return err
		}
		if err := <-failed; err != nil {
			return err
		}
		for i := range at {
			took = append(took, max(0, at[i].Sub(created[i])))
		}
		if err := b.each(ctx, b.routes, end, b.deleteRoute); err != nil {
			return err
		}
		if _, err := b.await(ctx, span(b.routes, end), gone); err != nil {
			return err
		}
	}
	asked, refused := guard.end()
	b.report.durations(row{Measurement: name, Routes: b.routes, What: "each of 100 routes created at once"}, took, 50, 95)
	b.report.add(row{name, b.routes, fmt.Sprintf("requests failed of %d for another route during bursts", asked), float64(refused), ""})
	return b.deleteBackends(ctx, b.routes, end)
}

func (b *bench) deleteBackends(ctx context.Context, begin, end int) error {
	return b.each(ctx, begin, end, func(ctx context.Context, i int) error {
		if err := b.client.Delete(ctx, workload.NewService(i)); err != nil {
			return fmt.Errorf("delete Service %s: %w", workload.Name(i), err)
		}
		// The slice has no controller that would delete it.
		if err := b.client.Delete(ctx, workload.NewEndpointSlice(i)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete EndpointSlice %s: %w", workload.Name(i), err)
		}
		return nil
	})
}

// crowd creates a thousand routes at once, and deletes them.
func (b *bench) crowd(ctx context.Context) error {
	const name = "crowd"
	if err := b.each(ctx, 1, b.routes, b.deleteRoute); err != nil {
		return err
	}
	if err := b.awaitAttached(ctx, 1); err != nil {
		return err
	}
	for i := b.routes; i < 1+crowdSize; i++ {
		if err := b.createBackend(ctx, i); err != nil {
			return err
		}
	}
	b.routes = 1
	if err := b.pause(ctx, calm); err != nil {
		return err
	}
	writes, err := b.countWrites(ctx)
	if err != nil {
		return err
	}
	before := cpuOf("operator")
	for _, step := range []struct {
		what  string
		do    func(context.Context, int) error
		count int32
	}{{"create", b.createRoute, 1 + crowdSize}, {"delete", b.deleteRoute, 1}} {
		began := time.Now()
		if err := b.each(ctx, 1, 1+crowdSize, step.do); err != nil {
			return err
		}
		last := time.Now()
		if err := b.awaitAttached(ctx, step.count); err != nil {
			return err
		}
		b.report.add(row{name, crowdSize, step.what + ": all API calls", milliseconds(last.Sub(began)), "ms"})
		b.report.add(row{name, crowdSize, step.what + ": from the last call until attachedRoutes is right", milliseconds(time.Since(last)), "ms"})
		if err := b.pause(ctx, calm); err != nil {
			return err
		}
	}
	gateways, routes := writes()
	b.report.add(row{name, crowdSize, "status writes of the Gateway", float64(gateways), ""})
	b.report.add(row{name, crowdSize, "status writes of routes", float64(routes), ""})
	b.report.add(row{name, crowdSize, "operator's processor time", milliseconds(cpuOf("operator")-before) / 1000, "s"})
	return nil
}

// awaitAttached waits until the Gateway's status has that number of routes.
func (b *bench) awaitAttached(ctx context.Context, n int32) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		gateway := &gatewayv1.Gateway{}
		if err := b.client.Get(ctx, gatewayKey, gateway); err != nil {
			return fmt.Errorf("wait for attachedRoutes: %w", err)
		}
		for _, l := range gateway.Status.Listeners {
			if l.AttachedRoutes == n {
				return nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// countWrites counts the changes of status of the Gateway and of routes, until
// the returned function is called.
func (b *bench) countWrites(ctx context.Context) (func() (gateways, routes int), error) {
	ctx, stop := context.WithCancel(ctx)
	count := func(list client.ObjectList) (<-chan int, error) {
		w, err := b.client.Watch(ctx, list, client.InNamespace(workload.Namespace))
		if err != nil {
			return nil, fmt.Errorf("watch %T: %w", list, err)
		}
		result := make(chan int, 1)
		go func() {
			// The first event is what is there.
			n, known := 0, map[string]int64{}
			for e := range w.ResultChan() {
				o, ok := e.Object.(client.Object)
				if !ok {
					continue
				}
				generation, seen := known[o.GetName()]
				if e.Type == "MODIFIED" && seen && generation == o.GetGeneration() {
					n++
				}
				known[o.GetName()] = o.GetGeneration()
			}
			result <- n
		}()
		return result, nil
	}
	gateways, err := count(&gatewayv1.GatewayList{})
	if err != nil {
		stop()
		return nil, err
	}
	routes, err := count(&gatewayv1.HTTPRouteList{})
	if err != nil {
		stop()
		return nil, err
	}
	return func() (int, int) {
		stop()
		return <-gateways, <-routes
	}, nil
}

// restarts deletes pods and waits for what they do.
func (b *bench) restarts(ctx context.Context) error {
	const name = "restart"
	last := []int{b.routes - 1}
	operators := client.MatchingLabels{"app.kubernetes.io/component": "operator"}
	planes := client.MatchingLabels(infra.PodLabels(gatewayKey))
	for _, step := range []struct {
		what string
		pods map[string]client.MatchingLabels
	}{
		{"nginx pod: until the last route is served", map[string]client.MatchingLabels{workload.Namespace: planes}},
		{"nginx pod and operator: until the last route is served", map[string]client.MatchingLabels{workload.Namespace: planes, homelab.Namespace: operators}},
	} {
		began := time.Now()
		for namespace, labels := range step.pods {
			if err := b.client.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(namespace), labels, client.GracePeriodSeconds(0)); err != nil {
				return fmt.Errorf("delete pods: %w", err)
			}
		}
		// The old pod may answer until it is gone.
		if err := b.pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
		at, err := b.await(ctx, last, served)
		if err != nil {
			return err
		}
		b.report.add(row{name, b.routes, step.what, milliseconds(at[0].Sub(began)), "ms"})
		if err := b.pause(ctx, 5*calm); err != nil {
			return err
		}
	}
	return b.restartOperator(ctx)
}

// restartOperator deletes its pod and changes a route at once.
func (b *bench) restartOperator(ctx context.Context) error {
	before := time.Now()
	operators := client.MatchingLabels{"app.kubernetes.io/component": "operator"}
	if err := b.client.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(homelab.Namespace), operators); err != nil {
		return fmt.Errorf("delete the operator's pod: %w", err)
	}
	if err := b.pause(ctx, 300*time.Millisecond); err != nil {
		return err
	}
	b.revision++
	if err := b.changeRoute(ctx, b.routes-1, b.revision); err != nil {
		return err
	}
	at, err := b.await(ctx, []int{b.routes - 1}, ofRevision(b.revision))
	if err != nil {
		return err
	}
	b.report.add(row{"restart", b.routes, "operator: until a route that changed meanwhile is served", milliseconds(at[0].Sub(before)), "ms"})
	return nil
}
