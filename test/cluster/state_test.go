package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/test/cluster/node"
)

func TestCgroupMountsFindsBothVersions(t *testing.T) {
	t.Parallel()
	const mounts = `proc /proc proc rw 0 0
tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
`
	want := []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified"}
	if diff := cmp.Diff(want, cgroupMounts(mounts)); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestRemoveCgroupRemovesFoldersFromTheBottomUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cgroup")
	if err := os.MkdirAll(filepath.Join(path, "kubepods", "pod1"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		// The second time there is nothing to do.
		if err := removeCgroup(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the cgroup is still there: %v", err)
	}
}

func TestRunningPIDTrustsAProcessOnlyWithItsStartTime(t *testing.T) {
	t.Parallel()
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	started, err := node.StartTime(stat)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		note []any
		want bool
	}{
		"this process": {note: []any{os.Getpid(), " ", started}, want: true},
		"an earlier process that had the same ID":   {note: []any{os.Getpid(), " ", started - 1}},
		"a process that is gone":                    {note: []any{1 << 30, " ", started}},
		"a note that was cut short":                 {note: []any{os.Getpid()}},
		"a note that an interrupted run left empty": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, node.PIDFile), fmt.Append(nil, tc.note...), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, got := runningPID(dir); got != tc.want {
				t.Errorf("running = %v, want %v", got, tc.want)
			}
		})
	}
}
