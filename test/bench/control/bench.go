package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/test/bench/control/workload"
	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/topology"
	"github.com/gatewright/gatewright/test/homelab"
)

const (
	// writersAtOnce is how many objects are written at a time.
	writersAtOnce = 16
	// patience bounds every wait: what has not happened by then is an error.
	patience = 5 * time.Minute
	// calm is how long everything is left alone before something is measured.
	calm = 3 * time.Second
	// churnSize is with how many Services, at least, endpoints are changed many
	// times a second.
	churnSize = 1000
)

// backends are where all endpoints lead: two hosts on the home LAN, each of
// which names itself in the answer.
var backends = map[cluster.Place]string{
	cluster.LANHost: topology.LANHostIP,
	cluster.Client:  topology.ClientIP,
}

// backendHeader names the backend that has answered.
const backendHeader = "Backend"

var gatewayKey = types.NamespacedName{Namespace: workload.Namespace, Name: workload.Gateway}

// bench is a lab under measurement.
type bench struct {
	lab    *homelab.Lab
	client client.WithWatch
	// address of the Gateway on the home LAN.
	address string
	report  *figures
	// routes there are now; revision counts their changes.
	routes, revision int
}

func newBench(ctx context.Context, lab *homelab.Lab) (*bench, error) {
	config, err := clientcmd.BuildConfigFromFlags("", lab.Cluster.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	// What is measured is not how fast this client may ask.
	config.QPS = -1
	c, err := client.NewWithWatch(config, client.Options{Scheme: lab.Client.Scheme()})
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	b := &bench{lab: lab, client: c, report: newFigures()}
	for place, ip := range backends {
		if err := b.serveBackend(ctx, place, ip); err != nil {
			return nil, err
		}
	}
	if err := b.memory(ctx, "no Gateway"); err != nil {
		return nil, err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workload.Namespace}}
	for _, o := range []client.Object{namespace, workload.NewGateway()} {
		if err := c.Create(ctx, o); err != nil {
			return nil, fmt.Errorf("create %T: %w", o, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b.address, err = lab.GatewayAddress(ctx, gatewayKey)
	return b, err
}

func (b *bench) serveBackend(ctx context.Context, place cluster.Place, ip string) error {
	l, err := b.lab.Cluster.Network(place).Listen(ctx, "tcp", net.JoinHostPort(ip, fmt.Sprint(workload.TargetPort)))
	if err != nil {
		return fmt.Errorf("listen as a backend: %w", err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(backendHeader, ip) })
	go func() { _ = (&http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}).Serve(l) }()
	return nil
}

// say tells who waits what goes on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// idle measures the processes with a Gateway and one route.
func (b *bench) idle(ctx context.Context) error {
	if err := b.grow(ctx, 1); err != nil {
		return err
	}
	if err := b.pause(ctx, 10*calm); err != nil {
		return err
	}
	return b.memory(ctx, "1 route, idle")
}

// pause leaves everything alone for that long.
func (b *bench) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// grow brings the number of routes to n, and waits until all are served.
func (b *bench) grow(ctx context.Context, n int) error {
	say("growing from %d routes to %d", b.routes, n)
	began := time.Now()
	if err := b.each(ctx, b.routes, n, b.createBackend); err != nil {
		return err
	}
	if err := b.each(ctx, b.routes, n, b.createRoute); err != nil {
		return err
	}
	created := time.Since(began)
	if _, err := b.await(ctx, span(b.routes, n), served); err != nil {
		return err
	}
	say("  created in %s, served after %s", created.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	b.routes = n
	return b.pause(ctx, calm)
}

// each calls do for the numbers from begin to end, several at a time.
func (b *bench) each(ctx context.Context, begin, end int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writersAtOnce)
	for i := begin; i < end; i++ {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

func (b *bench) createBackend(ctx context.Context, i int) error {
	if err := b.client.Create(ctx, workload.NewService(i)); err != nil {
		return fmt.Errorf("create Service %s: %w", workload.Name(i), err)
	}
	if err := b.client.Create(ctx, workload.NewEndpointSlice(i, topology.LANHostIP)); err != nil {
		return fmt.Errorf("create EndpointSlice %s: %w", workload.Name(i), err)
	}
	return nil
}

func (b *bench) createRoute(ctx context.Context, i int) error {
	if err := b.client.Create(ctx, workload.NewRoute(i, 0)); err != nil {
		return fmt.Errorf("create HTTPRoute %s: %w", workload.Name(i), err)
	}
	return nil
}

func (b *bench) deleteRoute(ctx context.Context, i int) error {
	if err := b.client.Delete(ctx, workload.NewRoute(i, 0)); err != nil {
		return fmt.Errorf("delete HTTPRoute %s: %w", workload.Name(i), err)
	}
	return nil
}

// changeRoute gives the i-th route another revision.
func (b *bench) changeRoute(ctx context.Context, i, revision int) error {
	patch := fmt.Appendf(nil, `[{"op":"replace","path":"/spec/rules/0/filters/0/responseHeaderModifier/set/0/value","value":"%d"}]`, revision)
	if err := b.client.Patch(ctx, workload.NewRoute(i, 0), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("change HTTPRoute %s: %w", workload.Name(i), err)
	}
	return nil
}

func span(begin, end int) []int {
	all := make([]int, 0, end-begin)
	for i := begin; i < end; i++ {
		all = append(all, i)
	}
	return all
}
