package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/gatewright/gatewright/agent/hop"
	"github.com/gatewright/gatewright/agent/resolver"
)

const (
	maintenanceInterval = 2 * time.Second
	shutdownTimeout     = 2 * time.Second
)

// errDone ends the group when draining has finished.
var errDone = errors.New("drained")

type agent struct {
	options  Options
	log      *slog.Logger
	children *children
	nginx    *nginx
	resolver *resolver.Server
	hop      *hop.Server
	counters *counters
	applier  *applier
	health   *health
}

// Run supervises nginx until a signal, or the end of ctx, asks it to stop, and
// nginx has drained. It fails when nginx cannot be kept running or an address
// cannot be listened on. A second signal stops at once, so ctx should not be
// tied to the same signals.
func Run(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	a, err := newAgent(ctx, o)
	if err != nil {
		return err
	}
	signals := o.Signals
	if signals == nil {
		received := make(chan os.Signal, 2)
		signal.Notify(received, unix.SIGTERM, unix.SIGINT)
		defer signal.Stop(received)
		signals = received
	}
	return a.run(ctx, signals)
}

func newAgent(ctx context.Context, o Options) (*agent, error) {
	if err := makeDirs(o); err != nil {
		return nil, err
	}
	dns, err := resolver.Listen(ctx, resolver.Options{Address: o.ResolverAddress, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	a := &agent{options: o, log: o.Logger, children: newChildren(), resolver: dns, counters: newCounters()}
	a.nginx = newNginx(o, a.children)
	// Nobody waits for what nginx asks when it starts.
	a.nginx.beforeStart = func() { dns.Forget(nil) }
	a.hop = hop.New(hop.Options{Socket: o.hopSocket(), Logger: o.Logger})
	a.nginx.hopped = a.hop.Websockets
	a.applier = newApplier(o, a.nginx, director{dns, a.hop}, a.counters)
	a.health = &health{nginx: a.nginx, applier: a.applier}
	a.health.beat()
	return a, nil
}

// run starts everything in the order in which one part needs the other: nginx
// asks for its upstreams as soon as it starts, so the resolver comes first.
func (a *agent) run(parent context.Context, signals <-chan os.Signal) error {
	// Draining outlives the parent; the group's context ends after it.
	group, ctx := errgroup.WithContext(context.WithoutCancel(parent))
	group.Go(func() error { return a.resolver.Serve(ctx) })
	if os.Getpid() == 1 {
		go a.children.reap(ctx)
	}
	group.Go(func() error { return a.serve(ctx, parent, signals, group) })
	err := group.Wait()
	a.nginx.kill()
	// Last: nginx's connections to it live for as long as nginx does.
	a.hop.Close()
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

func (a *agent) serve(ctx, parent context.Context, signals <-chan os.Signal, group *errgroup.Group) error {
	if err := a.boot(ctx); err != nil {
		return err
	}
	group.Go(func() error { return a.nginx.supervise(ctx) })
	group.Go(func() error { return a.maintain(ctx) })
	if err := a.serveHealth(ctx, group); err != nil {
		return err
	}
	group.Go(func() error {
		a.applyStored(ctx)
		return a.serveControl(ctx, group)
	})
	select {
	case <-ctx.Done():
		return nil
	case <-parent.Done():
	case s := <-signals:
		a.log.Info("asked to stop", "signal", s.String())
	}
	a.drain(signals)
	return errDone
}

// boot starts nginx with the built-in configuration.
func (a *agent) boot(ctx context.Context) error {
	// Nobody uses what an agent before has left.
	if err := errors.Join(removeGenerations(a.options), removeCertificates(a.options, nil)); err != nil {
		return err
	}
	if _, err := writeGeneration(a.options, bootHash, bootFiles(a.options)); err != nil {
		return err
	}
	if err := a.nginx.start(); err != nil {
		return err
	}
	return a.nginx.awaitStart(ctx, bootHash)
}

// applyStored brings the stored bundle live, so that a pod serves before the
// operator has been heard of. If that fails, the pod stays not ready until the
// operator pushes a better one.
func (a *agent) applyStored(ctx context.Context) {
	b, found, err := storedBundle(a.options)
	if err != nil || !found {
		a.log.Info("no stored bundle: waiting for the operator", "error", err)
		return
	}
	if err := a.applier.acquire(ctx); err != nil {
		return
	}
	defer a.applier.release()
	state, err := a.applier.apply(ctx, b)
	a.log.Info("stored bundle", "live", state.Hash == b.Hash(), "hash", b.Hash(), "error", err)
}

func (a *agent) serveHealth(ctx context.Context, group *errgroup.Group) error {
	registry, err := newRegistry(&collector{a.applier, a.nginx, a.resolver, a.hop, a.counters})
	if err != nil {
		return err
	}
	return listenAndServe(ctx, group, a.options.HealthAddress, healthServer(a.options, a.health, registry))
}

func (a *agent) serveControl(ctx context.Context, group *errgroup.Group) error {
	return listenAndServe(ctx, group, a.options.ControlAddress, controlServer(ctx, a.options, a.applier))
}

// listenAndServe opens the address at once and serves in the group.
func listenAndServe(ctx context.Context, group *errgroup.Group, address string, server *http.Server) error {
	var network net.ListenConfig
	listener, err := network.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	group.Go(func() error {
		defer stop()
		serve := server.Serve
		if server.TLSConfig != nil {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve on %s: %w", address, err)
		}
		return nil
	})
	return nil
}

// maintain looks after the workers.
func (a *agent) maintain(ctx context.Context) error {
	ticker := time.NewTicker(maintenanceInterval)
	defer ticker.Stop()
	for {
		a.health.beat()
		a.nginx.countDrains(time.Now())
		a.nginx.boundDraining()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
