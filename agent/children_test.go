package agent

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// reaperVariable makes the test binary play process 1, which inherits orphans.
const reaperVariable = "GATEWRIGHT_TEST_REAPER"

func TestReaperTakesOrphansAndLeavesCommandsToTheirOwners(t *testing.T) {
	if os.Getenv(reaperVariable) != "" {
		if err := playProcessOne(t); err != nil {
			t.Fatal(err)
		}
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), reaperVariable+"=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func playProcessOne(t *testing.T) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("inherit orphans: %w", err)
	}
	c := newChildren()
	go c.reap(t.Context())
	for range 50 {
		// The shell exits with a status of its own, and leaves an orphan that
		// outlives it.
		command := exec.Command("/bin/sh", "-c", "sleep 0.05 & exit 3")
		if err := c.start(command); err != nil {
			return err
		}
		var exit *exec.ExitError
		if err := c.wait(command); !errors.As(err, &exit) || exit.ExitCode() != 3 {
			return fmt.Errorf("the command's status was lost: %w", err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, p := range processes() {
			if p.parent == os.Getpid() {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d orphans were never reaped", left)
		}
	}
}
