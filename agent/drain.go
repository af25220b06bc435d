package agent

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// drainMargin is what nginx gets beyond worker_shutdown_timeout to exit by
	// itself.
	drainMargin = 2 * time.Second
	// cutOffTime is how long nginx may take to exit once told to drop its
	// connections.
	cutOffTime = 3 * time.Second
)

// drain ends nginx: at first the pod is only not ready, while everything is
// served as before; then nginx finishes what it has; then, when the time is up
// or a second signal comes, it is cut off.
func (a *agent) drain(signals <-chan os.Signal) {
	a.health.draining.Store(true)
	grace := a.grace()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	go func() {
		select {
		case <-signals:
			a.log.Warn("second signal: stop at once")
			cancel()
		case <-ctx.Done():
		}
	}()
	a.log.Info("draining", "delay", a.options.PreStopDelay.String(), "grace", grace.String())
	wait(ctx, a.options.PreStopDelay)
	a.applier.close(ctx)
	a.quit(ctx)
}

// grace is how long stopping may take: what the live bundle says, within what
// the pod has.
func (a *agent) grace() time.Duration {
	if wanted := a.applier.current().grace; wanted > 0 {
		return min(wanted, a.options.Grace)
	}
	return a.options.Grace
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// quit ends nginx gracefully within the live bundle's drain time and ctx, and
// otherwise by force.
func (a *agent) quit(ctx context.Context) {
	if limit := a.applier.current().drain; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit+drainMargin)
		defer cancel()
	}
	_, exited := a.nginx.master()
	if !a.tell(unix.SIGQUIT) {
		return
	}
	select {
	case <-exited:
		return
	case <-ctx.Done():
	}
	a.log.Warn("cut off the connections that are left")
	if !a.tell(unix.SIGTERM) {
		return
	}
	select {
	case <-exited:
	case <-time.After(cutOffTime):
		a.nginx.kill()
	}
}

// tell sends the signal; false means that nginx has gone.
func (a *agent) tell(s unix.Signal) bool {
	err := a.nginx.stop(s)
	if err != nil && !errors.Is(err, errNotRunning) {
		a.log.Error("stop nginx", "error", err)
	}
	return err == nil
}
