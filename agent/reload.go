package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// logLag is how long nginx's log may lag behind what the master does.
const logLag = time.Second

// reload has the master load a generation, and waits until new workers serve it
// and none of the old ones takes new connections. Nginx reads a configuration
// this once: one that it cannot use changes nothing (ngx_init_cycle), and the
// error is a refusal.
func (n *nginx) reload(ctx context.Context, hash string) error {
	ctx, cancel := context.WithTimeout(ctx, n.options.ApplyTimeout)
	defer cancel()
	if err := n.awaitRest(ctx); err != nil {
		return err
	}
	old := slices.DeleteFunc(n.observe(), func(w worker) bool { return w.draining })
	n.complaints.clear()
	master, exited, err := n.hangUp(hash, old)
	if err != nil {
		return err
	}
	for {
		// While it loads, its workers have nothing new to say.
		if rests(master) {
			if n.serves(ctx, hash) && retired(old) {
				return n.prove(hash)
			}
			if n.kept() {
				return n.refusal(ctx)
			}
		}
		select {
		case <-exited:
			return n.died()
		case <-ctx.Done():
			return refuse("nginx did not serve the new configuration within %s", n.options.ApplyTimeout)
		case <-time.After(pollInterval):
		}
	}
}

// hangUp links the generation and tells the master to load it. The old workers are
// those that take connections.
func (n *nginx) hangUp(hash string, old []worker) (master int, exited <-chan struct{}, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if closed(n.exited) {
		return 0, nil, errNotRunning
	}
	if err := linkGeneration(n.options, hash); err != nil {
		return 0, nil, err
	}
	n.old, n.told, n.brood, n.loading = old, hash, childrenOf(n.pid), true
	n.workers.next()
	if err := unix.Kill(n.pid, unix.SIGHUP); err != nil {
		return 0, nil, fmt.Errorf("send SIGHUP to nginx: %w", errors.Join(errNotRunning, err))
	}
	return n.pid, n.exited, nil
}

// prove notes that nginx serves the generation, unless it has exited since.
func (n *nginx) prove(hash string) error {
	n.mu.Lock()
	exited := closed(n.exited)
	if !exited {
		n.proven, n.loading = hash, false
	}
	n.mu.Unlock()
	if exited {
		return n.died()
	}
	return nil
}

// refusal waits for all that nginx has to say of a configuration that it has
// not taken.
func (n *nginx) refusal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, logLag)
	defer cancel()
	for last := ""; ; {
		text := n.complaints.heard()
		if text != "" && text == last {
			return refuse("%s", n.plainly(text))
		}
		last = text
		select {
		case <-ctx.Done():
			return refuse("%s", n.plainly(text))
		case <-time.After(pollInterval):
		}
	}
}

// died is the refusal of a configuration that the master did not survive.
func (n *nginx) died() error {
	n.mu.Lock()
	death, stopping := n.death, n.stopping
	n.mu.Unlock()
	if stopping {
		return errNotRunning
	}
	if text := n.complaints.heard(); text != "" {
		death += "; " + n.plainly(text)
	}
	return refuse("nginx exited while loading the configuration: %s", death)
}

func (n *nginx) plainly(text string) string {
	return words(text, n.options.confLink()+"/", n.options.RunDir+"/")
}

// goBack makes nginx serve the generation of before, after a reload that failed,
// and any other master start with it. Where nginx has kept it, and where it was
// restarted, there is nothing to load.
func (n *nginx) goBack(ctx context.Context, hash string) error {
	n.mu.Lock()
	n.proven = hash
	err := linkGeneration(n.options, hash)
	n.mu.Unlock()
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, n.options.ApplyTimeout)
	defer cancel()
	if err = n.awaitRest(waiting); err == nil && !n.back(hash) {
		err = n.reload(ctx, hash)
	}
	if err != nil {
		// Its text only: that nginx fails to go back is no refusal of a bundle.
		return fmt.Errorf("%w: %s", errStuck, err.Error())
	}
	return nil
}

// back says whether the master, which is at rest, has the generation of before,
// and takes note of it.
func (n *nginx) back(hash string) bool {
	kept := n.kept()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !kept && n.told != hash {
		return false
	}
	if !closed(n.exited) {
		n.told, n.loading = hash, false
	}
	return true
}

// awaitRest waits until there is a master with workers that has nothing to do.
// While it starts, it would lose a signal, or die of it.
func (n *nginx) awaitRest(ctx context.Context) error {
	for {
		if n.rests() {
			return nil
		}
		if n.isStopping() {
			return errNotRunning
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for nginx: %w", errors.Join(errNotRunning, ctx.Err()))
		case <-time.After(pollInterval):
		}
	}
}

// rests tells whether the master has started and has nothing to do.
func (n *nginx) rests() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !rests(n.pid) {
		return false
	}
	n.started = n.started || len(childrenOf(n.pid)) > 0
	return n.started
}

// awaitStart waits until a master that was started serves the generation.
func (n *nginx) awaitStart(ctx context.Context, hash string) error {
	ctx, cancel := context.WithTimeout(ctx, n.options.ApplyTimeout)
	defer cancel()
	_, exited := n.master()
	for !n.serves(ctx, hash) {
		select {
		case <-exited:
			return fmt.Errorf("start nginx: %w", errNotRunning)
		case <-ctx.Done():
			return fmt.Errorf("start nginx: it did not serve within %s", n.options.ApplyTimeout)
		case <-time.After(pollInterval):
		}
	}
	return nil
}

// serves says whether a worker has the generation.
func (n *nginx) serves(ctx context.Context, hash string) bool {
	served, err := n.status.generation(ctx)
	return err == nil && served == hash
}

// retired tells whether all these workers are draining or gone.
func retired(old []worker) bool {
	return !slices.ContainsFunc(old, func(w worker) bool {
		now, ok := look(w.pid)
		return ok && now.started == w.started && !now.draining
	})
}

// kept tells whether the master, which is at rest, has started no worker since
// it was told to load. Children are told apart by their numbers: a new worker has
// its master's title for a while, and an emulated one (QEMU) for ever.
func (n *nginx) kept() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !slices.ContainsFunc(childrenOf(n.pid), func(pid int) bool { return !slices.Contains(n.brood, pid) })
}

// observe lists the workers, those of dead masters first, and takes note of new
// ones.
func (n *nginx) observe() []worker {
	n.mu.Lock()
	defer n.mu.Unlock()
	var workers []worker
	n.groups = slices.DeleteFunc(n.groups, func(group int) bool {
		of := workersOf(group)
		workers = append(workers, of...)
		return len(of) == 0 && group != n.pid
	})
	n.workers.observe(workers)
	return workers
}
