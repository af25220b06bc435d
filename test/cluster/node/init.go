package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Init is the first process of the cluster's PID namespace. It prepares the
// mounts, starts self again as the process that runs [Run], reaps orphans, and
// ends with that process; the kernel then ends all others. It returns the exit
// code.
func Init(stateDir, self string) (int, error) {
	spec, err := readSpec(stateDir)
	if err != nil {
		return 1, err
	}
	if err := writePID(spec); err != nil {
		return 1, err
	}
	if err := prepareMounts(spec); err != nil {
		return 1, err
	}
	for _, fd := range []int{LockFD, APIListenerFD, LifelineFD} {
		unix.CloseOnExec(fd)
	}
	go watchLifeline(os.NewFile(LifelineFD, "lifeline"))
	child := exec.Command(self, "inside", stateDir)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.ExtraFiles = []*os.File{nil, os.NewFile(APIListenerFD, "api listener")}
	if err := child.Start(); err != nil {
		return 1, fmt.Errorf("start the node's process: %w", err)
	}
	return reapUntil(child.Process.Pid)
}

// writePID notes the process ID that this process has on the host. /proc is
// still the host's at this point.
func writePID(spec Spec) error {
	link, err := os.Readlink("/proc/self")
	if err != nil {
		return fmt.Errorf("find the process ID on the host: %w", err)
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return fmt.Errorf("find the start time of the cluster: %w", err)
	}
	start, err := StartTime(stat)
	if err != nil {
		return err
	}
	path := spec.path(PIDFile)
	if err := os.WriteFile(path+".partial", []byte(link+" "+strconv.FormatUint(start, 10)+"\n"), 0o644); err != nil {
		return fmt.Errorf("note the process ID: %w", err)
	}
	if err := os.Rename(path+".partial", path); err != nil {
		return fmt.Errorf("note the process ID: %w", err)
	}
	return nil
}

// watchLifeline ends this process when the launcher ends before it has let the
// cluster go.
func watchLifeline(lifeline io.Reader) {
	if received, _ := lifeline.Read(make([]byte, 1)); received == 0 {
		os.Exit(0)
	}
}

// reapUntil collects ended children until the one with the given ID ends, and
// returns its exit code.
func reapUntil(main int) (int, error) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 1, fmt.Errorf("wait for the node's process: %w", err)
		case pid == main && status.Exited():
			return status.ExitStatus(), nil
		case pid == main:
			return 1, nil
		}
	}
}

// privateSysctls are global settings that the kubelet writes. It gets files of
// its own instead, so that the machine keeps its settings.
var privateSysctls = map[string]string{
	"vm/overcommit_memory": "1",
	"kernel/panic":         "10",
	"kernel/panic_on_oops": "1",
}

// privateDirs are folders of the node's programs that lie in the state
// directory.
var privateDirs = []string{"/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/var/lib/cni"}

// prepareMounts makes the mount namespace private to the cluster: what is
// mounted here is never seen outside, and vanishes with the last process.
func prepareMounts(spec Spec) error {
	steps := []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""},
		// The kubelet wants to share mounts with containers.
		{"", "/", "", unix.MS_REC | unix.MS_SHARED, ""},
		{"proc", "/proc", "proc", 0, ""},
		{"tmpfs", "/run", "tmpfs", 0, "mode=755"},
	}
	for _, step := range steps {
		if err := unix.Mount(step.source, step.target, step.kind, step.flags, step.data); err != nil {
			return fmt.Errorf("mount %s: %w", step.target, err)
		}
	}
	for _, dir := range privateDirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
		if err := os.MkdirAll(spec.path(dir), 0o755); err != nil {
			return fmt.Errorf("make the node's %s: %w", dir, err)
		}
		if err := unix.Mount(spec.path(dir), dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount the node's %s: %w", dir, err)
		}
	}
	for name, value := range privateSysctls {
		file := spec.path("sysctl-" + filepath.Base(name))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return fmt.Errorf("write sysctl %s: %w", name, err)
		}
		if err := unix.Mount(file, "/proc/sys/"+name, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount sysctl %s: %w", name, err)
		}
	}
	return nil
}
