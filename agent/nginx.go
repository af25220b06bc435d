package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// mallocTunables have each of the 16 KiB blocks of nginx's memory pools mapped on
	// its own, so that a configuration that is replaced gives back all that it took:
	// in glibc's heap its blocks would lie below others, and stay. (With TLS the gain
	// wears off: what OpenSSL frees there makes room, which blocks then take, until
	// there are two configurations again, less a tenth.) The threshold is
	// above the 4 KiB of a request's pool and of its header buffer, which would else
	// be mapped for each request. At 8 KiB the heap takes in some blocks at each
	// reload, and keeps them. The other one lets glibc keep the top of the heap,
	// rather than give it back and fetch it again at every turn.
	mallocTunables = "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4600:glibc.malloc.trim_threshold=16777216"
	// maxRestarts is the number of restarts in a row, each living shorter than
	// restartForgiven, after which the agent gives up and its container is
	// restarted.
	maxRestarts      = 6
	restartForgiven  = time.Minute
	firstBackoff     = 250 * time.Millisecond
	maxErrorLine     = 64 << 10
	orphanCloseDelay = 200 * time.Millisecond
)

var errNotRunning = errors.New("nginx is not running")

// nginx is the process and its supervision.
type nginx struct {
	options  Options
	children *children
	status   *statusServer
	log      *slog.Logger
	// beforeStart is called before every start of the master.
	beforeStart func()
	// hopped counts the websockets through the hop by worker.
	hopped func() map[int]int
	drains *drains
	// bounding is held while workers are ended.
	bounding sync.Mutex

	mu sync.Mutex
	// pid is that of the master started last, and its process group's.
	pid    int
	exited chan struct{}
	// proven is the generation that nginx served last, with which a new master
	// starts: one that killed the master must not kill the next.
	proven string
	// told is the generation that the master was told to load last, when brood
	// were its workers; loading says that it may be at it, or exited in it.
	told    string
	brood   []int
	loading bool
	// started says that the master has been seen at rest, with workers.
	started bool
	// death is how the master exited.
	death string
	// groups are those of all masters: workers outlive one that was killed.
	groups   []int
	stopping bool
	restarts int
	workers  *generations
	// old are the workers that the last reload replaced.
	old  []worker
	zone socketZone

	complaints complaints
}

func newNginx(o Options, c *children) *nginx {
	return &nginx{options: o, children: c, status: newStatusServer(o.StatusAddress), log: o.Logger,
		workers: newGenerations(), drains: newDrains(), proven: bootHash,
		beforeStart: func() {}, hopped: func() map[int]int { return nil }}
}

func (n *nginx) command(ctx context.Context, arguments ...string) *exec.Cmd {
	full := append(append([]string{}, n.options.NginxCommand...), arguments...)
	command := exec.CommandContext(ctx, full[0], full[1:]...)
	command.Env = append(os.Environ(), mallocTunables)
	return command
}

// start starts the master with the generation that is proven. It does not wait
// for it to serve.
func (n *nginx) start() error {
	n.beforeStart()
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start nginx: %w", err)
	}
	defer writer.Close()
	command := n.command(context.Background(), "-g", "daemon off;", "-c", filepath.Join(n.options.confLink(), mainFile))
	command.Stdout, command.Stderr = os.Stdout, writer
	// Its own group: the workers of a master that died are found by it.
	command.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := linkGeneration(n.options, n.proven); err != nil {
		reader.Close()
		return fmt.Errorf("start nginx: %w", err)
	}
	n.workers.next()
	// A new master has new memory.
	n.zone.since, n.zone.wrong = n.workers.current, false
	if err := n.children.start(command); err != nil {
		reader.Close()
		return fmt.Errorf("start nginx: %w", err)
	}
	exited := make(chan struct{})
	n.pid, n.exited = command.Process.Pid, exited
	n.told, n.brood, n.loading, n.started = n.proven, nil, false, false
	n.groups = append(n.groups, n.pid)
	go n.pass(reader, n.pid)
	go func() {
		err := n.children.wait(command)
		n.log.Info("nginx has exited", "pid", command.Process.Pid, "error", err)
		n.mu.Lock()
		n.death = command.ProcessState.String()
		n.mu.Unlock()
		close(exited)
	}()
	return nil
}

// pass hands nginx's error log on, and listens in.
func (n *nginx) pass(reader *os.File, master int) {
	defer reader.Close()
	buffered := bufio.NewReaderSize(reader, maxErrorLine)
	for {
		line, err := buffered.ReadSlice('\n')
		if len(line) > 0 {
			_, _ = os.Stderr.Write(line)
			n.complaints.hear(string(line), master)
			n.mu.Lock()
			n.zone.hear(line)
			n.mu.Unlock()
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if !errors.Is(err, io.EOF) {
				n.log.Warn("read nginx's error log", "error", err)
			}
			return
		}
	}
}

// supervise restarts nginx when it exits unasked, and returns when it was asked
// to, or when restarting does not help.
func (n *nginx) supervise(ctx context.Context) error {
	failures, backoff := 0, firstBackoff
	for {
		started := time.Now()
		master, exited := n.master()
		select {
		case <-ctx.Done():
			return nil
		case <-exited:
		}
		if n.isStopping() {
			return nil
		}
		// A configuration that nginx did not survive is not loaded again: that is
		// no reason to give up.
		if time.Since(started) > restartForgiven || n.isLoading() {
			failures, backoff = 0, firstBackoff
		}
		if failures++; failures > maxRestarts {
			return fmt.Errorf("nginx exited %d times in a row", failures)
		}
		n.quitOrphans(master)
		n.log.Error("restart nginx, which exited unasked", "backoff", backoff.String())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff *= 2
		if n.isStopping() {
			return nil
		}
		if err := n.restart(); err != nil {
			return err
		}
	}
}

// master returns the process that was started last, which may have exited.
func (n *nginx) master() (pid int, exited <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pid, n.exited
}

func (n *nginx) restart() error {
	n.mu.Lock()
	n.restarts++
	n.mu.Unlock()
	return n.start()
}

// quitOrphans asks the workers of a dead master to finish. They hold the
// listening sockets, which a new master needs.
func (n *nginx) quitOrphans(group int) {
	// Also those that it had only just made, which do not look like workers yet.
	_ = unix.Kill(-group, unix.SIGQUIT)
	time.Sleep(orphanCloseDelay)
}

func (n *nginx) running() bool {
	_, exited := n.master()
	return !closed(exited)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (n *nginx) isLoading() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.loading
}

func (n *nginx) isStopping() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stopping
}

// signal sends a signal to the master.
func (n *nginx) signal(s unix.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if closed(n.exited) {
		return errNotRunning
	}
	if err := unix.Kill(n.pid, s); err != nil {
		return fmt.Errorf("send %s to nginx: %w", unix.SignalName(s), err)
	}
	return nil
}

// stop sends a signal after which nginx is not restarted when it exits.
func (n *nginx) stop(s unix.Signal) error {
	n.mu.Lock()
	n.stopping = true
	n.mu.Unlock()
	return n.signal(s)
}

// kill ends all that is left of nginx at once.
func (n *nginx) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopping = true
	for _, group := range n.groups {
		for _, w := range workersOf(group) {
			_ = unix.Kill(w.pid, unix.SIGKILL)
		}
	}
	if n.pid != 0 && !closed(n.exited) {
		_ = unix.Kill(n.pid, unix.SIGKILL)
	}
}

func (n *nginx) restartCount() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.restarts
}
