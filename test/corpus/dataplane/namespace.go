package dataplane

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespace is an operating system thread in a network and a mount namespace of
// its own. Sockets and processes belong to the namespace in which they are
// made, whoever uses them later.
type namespace struct {
	calls chan func()
}

// newNamespace starts the thread. In its mount namespace dir is mounted over
// the root's /run.
func newNamespace(root, dir string) (*namespace, error) {
	n := &namespace{calls: make(chan func())}
	ready := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		err := enter(root, dir)
		ready <- err
		if err != nil {
			return
		}
		for call := range n.calls {
			call()
		}
	}()
	return n, <-ready
}

func enter(root, dir string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make namespaces: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := unix.Mount(dir, filepath.Join(root, "run"), "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount the run directory: %w", err)
	}
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"route", "add", "local", "0.0.0.0/0", "dev", "lo"},
		{"-6", "route", "add", "local", "::/0", "dev", "lo"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("make every address local: %w: %s", err, out)
		}
	}
	return nil
}

// do runs the function in the namespace.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	n.calls <- func() {
		err := errors.New("the function did not return")
		defer func() { done <- err }()
		err = f()
	}
	return <-done
}

func (n *namespace) close() { close(n.calls) }
