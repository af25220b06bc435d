package agent

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// children starts this process's commands, and reaps the orphans that process 1
// of a container inherits: nginx's workers when its master dies. Commands are
// waited for by whoever started them, so the reaper must leave them alone; the
// lock keeps it from seeing a command between its start and its registration.
type children struct {
	mu  sync.Mutex
	own map[int]bool
}

func newChildren() *children { return &children{own: map[int]bool{}} }

func (c *children) start(command *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := command.Start(); err != nil {
		return err
	}
	c.own[command.Process.Pid] = true
	return nil
}

func (c *children) wait(command *exec.Cmd) error {
	err := command.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.own, command.Process.Pid)
	return err
}

// reap waits for orphans until ctx ends. Only for a process that inherits them.
func (c *children) reap(ctx context.Context) {
	exited := make(chan os.Signal, 1)
	signal.Notify(exited, unix.SIGCHLD)
	defer signal.Stop(exited)
	for {
		c.reapOrphans()
		select {
		case <-ctx.Done():
			return
		case <-exited:
		}
	}
}

func (c *children) reapOrphans() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range processes() {
		if p.parent == os.Getpid() && p.state == 'Z' && !c.own[p.pid] {
			_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil)
		}
	}
}
