package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatewright/gatewright/test/cluster/node"
)

// endTimeout bounds how long processes that were killed take to be gone.
const endTimeout = time.Minute

// stateDir is $XDG_STATE_HOME/gatewright/cluster, or the same below
// ~/.local/state.
func stateDir() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the state directory: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "gatewright", "cluster"), nil
}

// runningPID returns the process ID of the cluster's first process, if that
// process is still the one that wrote it down.
func runningPID(stateDir string) (int, bool) {
	content, err := os.ReadFile(filepath.Join(stateDir, node.PIDFile))
	if err != nil {
		return 0, false
	}
	var pid int
	var started uint64
	if _, err := fmt.Sscan(string(content), &pid, &started); err != nil {
		return 0, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	now, err := node.StartTime(stat)
	return pid, err == nil && now == started
}

// kill ends the first process of the cluster; the kernel ends all others of
// its PID namespace with it.
func kill(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end process %d: %w", pid, err)
	}
	return nil
}

// clean removes the state directory and the pods' cgroups. Mounts and networks
// went with the namespaces.
func clean(stateDir string) error {
	if err := removeCgroups(); err != nil {
		return err
	}
	if err := os.RemoveAll(stateDir); err != nil {
		return fmt.Errorf("remove the state directory: %w", err)
	}
	return nil
}

// cgroupMounts returns where cgroup hierarchies are mounted: one of version 2,
// or several of version 1.
func cgroupMounts(mounts string) []string {
	var found []string
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") {
			found = append(found, fields[1])
		}
	}
	return found
}

// forEachCgroup calls do with our cgroup in each hierarchy.
func forEachCgroup(do func(path string) error) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return fmt.Errorf("find the cgroup hierarchies: %w", err)
	}
	for _, mount := range cgroupMounts(string(mounts)) {
		if err := do(filepath.Join(mount, node.CgroupRoot)); err != nil {
			return err
		}
	}
	return nil
}

func makeCgroups() error {
	return forEachCgroup(func(path string) error {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("make cgroup %s: %w", path, err)
		}
		return nil
	})
}

// removeCgroups removes the pods' cgroups. A cgroup is busy as long as killed
// processes are in it, so it tries for a while.
func removeCgroups() error {
	deadline := time.Now().Add(endTimeout)
	return forEachCgroup(func(path string) error {
		for {
			err := removeCgroup(path)
			if err == nil {
				return nil
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("remove cgroup %s: %w", path, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}

// removeCgroup removes a cgroup and those below it. Only folders can be
// removed; the files in them are the kernel's.
func removeCgroup(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeCgroup(filepath.Join(path, entry.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(path)
}
