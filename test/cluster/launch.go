package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gatewright/gatewright/test/cluster/cache"
	"github.com/gatewright/gatewright/test/cluster/node"
)

// programs are the names under which the one binary of Kubernetes is found.
var programs = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}

// launch is one start of the cluster, seen from outside.
type launch struct {
	options  Options
	stateDir string
	lock     *os.File
	spec     node.Spec
}

// newLaunch takes the lock and removes what an earlier cluster left.
func newLaunch(ctx context.Context, options Options) (*launch, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	lock, err := takeLock(ctx, dir, options)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(clean(dir), os.MkdirAll(dir, 0o755)); err != nil {
		lock.Close()
		return nil, fmt.Errorf("clear what an earlier cluster left: %w", err)
	}
	return &launch{options: options, stateDir: dir, lock: lock}, nil
}

// takeLock opens and locks the lock file. The cluster's first process inherits
// the open file, so the lock is held exactly as long as the cluster lives.
func takeLock(ctx context.Context, dir string, options Options) (*os.File, error) {
	if !options.Wait {
		lock, err := cache.TryLockFile(dir + ".lock")
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrRunning
		}
		return lock, err
	}
	lock, err := cache.TryLockFile(dir + ".lock")
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return lock, err
	}
	fmt.Fprintln(options.Log, "waiting for another cluster to end")
	return cache.LockFile(ctx, dir+".lock")
}

// release gives up this process's hold on the lock.
func (l *launch) release() { l.lock.Close() }

// fillStateDir writes what the inside reads.
func (l *launch) fillStateDir(made parts) error {
	l.spec = node.Spec{
		StateDir: l.stateDir,
		Images:   append(append([]string{}, made.images...), l.options.Images...),
		Workloads: []node.Workload{
			{Namespace: "kube-system", Name: "deployment/coredns"},
			{Namespace: "metallb-system", Name: "deployment/controller"},
			{Namespace: "metallb-system", Name: "daemonset/speaker"},
		},
	}
	for _, dir := range []string{node.BinDir, "manifests"} {
		if err := os.MkdirAll(filepath.Join(l.stateDir, dir), 0o755); err != nil {
			return err
		}
	}
	for _, program := range programs {
		if err := os.Symlink(made.hyperkube, filepath.Join(l.stateDir, node.BinDir, program)); err != nil {
			return err
		}
	}
	for _, manifest := range made.manifests {
		path := filepath.Join(l.stateDir, "manifests", manifest.name)
		if err := os.WriteFile(path, manifest.content, 0o644); err != nil {
			return err
		}
		l.spec.Manifests = append(l.spec.Manifests, node.Manifest{Path: path, DefinesKinds: manifest.definesKinds})
	}
	if err := makeCgroups(); err != nil {
		return err
	}
	return node.WriteSpec(l.spec)
}

// start starts the cluster's first process in new namespaces and waits until
// the cluster is ready.
func (l *launch) start(ctx context.Context, launcher string) (*Cluster, error) {
	passed, err := l.openFiles()
	if err != nil {
		return nil, err
	}
	defer passed.close()
	first := exec.Command(launcher, "inside", l.stateDir)
	first.Stdout, first.Stderr = passed.log, passed.log
	first.Dir = "/"
	// In the order of the descriptors in package node.
	first.ExtraFiles = []*os.File{l.lock, passed.apiListener, passed.lifelineEnd}
	first.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		Setsid:     true,
	}
	if err := first.Start(); err != nil {
		return nil, fmt.Errorf("start the first process: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = first.Wait()
		// A pipe that is garbage is closed, and the cluster with it.
		runtime.KeepAlive(passed.lifeline)
		close(ended)
	}()
	if err := l.awaitReady(ctx, ended); err != nil {
		return nil, errors.Join(err, kill(first.Process.Pid))
	}
	if l.options.Detach {
		if _, err := passed.lifeline.Write([]byte{1}); err != nil {
			return nil, errors.Join(fmt.Errorf("let the cluster go: %w", err), kill(first.Process.Pid))
		}
	}
	return &Cluster{stateDir: l.stateDir, pid: first.Process.Pid, lifeline: passed.lifeline}, nil
}

// passedFiles are the open files that the first process gets, and the
// lifeline, whose other end it gets.
type passedFiles struct {
	log, apiListener, lifelineEnd, lifeline *os.File
}

func (l *launch) openFiles() (passed passedFiles, err error) {
	defer func() {
		if err != nil {
			passed.close()
		}
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return passed, fmt.Errorf("open a port for the API server: %w", err)
	}
	defer listener.Close()
	if passed.apiListener, err = listener.(*net.TCPListener).File(); err != nil {
		return passed, fmt.Errorf("open a port for the API server: %w", err)
	}
	if passed.lifelineEnd, passed.lifeline, err = os.Pipe(); err != nil {
		return passed, fmt.Errorf("open the lifeline: %w", err)
	}
	if passed.log, err = os.Create(filepath.Join(l.stateDir, node.LogFile)); err != nil {
		return passed, fmt.Errorf("open the cluster's log: %w", err)
	}
	return passed, nil
}

// close closes this process's copies of what it passed; the lifeline is kept.
func (p passedFiles) close() {
	for _, file := range []*os.File{p.log, p.apiListener, p.lifelineEnd} {
		// Those that were not opened are nil, which Close refuses in peace.
		_ = file.Close()
	}
}

// awaitReady copies the inside's log until the cluster is ready.
func (l *launch) awaitReady(ctx context.Context, ended <-chan struct{}) error {
	log, err := os.Open(filepath.Join(l.stateDir, node.LogFile))
	if err != nil {
		return fmt.Errorf("follow the cluster's log: %w", err)
	}
	defer log.Close()
	ready := filepath.Join(l.stateDir, node.ReadyFile)
	for {
		_, statErr := os.Stat(ready)
		if _, err := io.Copy(l.options.Log, log); err != nil {
			return fmt.Errorf("follow the cluster's log: %w", err)
		}
		if statErr == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("it ended before it was ready:\n%s", cache.Tail(log.Name(), 40))
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w\n%s", context.Cause(ctx), cache.Tail(log.Name(), 40))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
