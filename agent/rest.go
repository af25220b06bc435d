package agent

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// rests tells whether a master waits for signals, and has none to act on. nginx
// says nothing of a reload that is over, in particular of one that failed.
func rests(master int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(master), "status"))
	return err == nil && parseRest(string(text))
}

// parseRest reads proc_pid_status(5). The master blocks signals in all that it
// does, and unblocks them only in sigsuspend. Sleeping alone would not tell: it
// sleeps between attempts to bind, too, and after starting workers.
func parseRest(status string) bool {
	fields := map[string]string{}
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		fields[key] = strings.TrimSpace(value)
	}
	hungUp := func(set string) bool {
		signals, err := strconv.ParseUint(fields[set], 16, 64)
		return err != nil || signals&(1<<(unix.SIGHUP-1)) != 0
	}
	return strings.HasPrefix(fields["State"], "S") && !hungUp("SigBlk") && !hungUp("ShdPnd")
}

// childrenOf lists a process's children, with those that have ended and were
// not waited for.
func childrenOf(parent int) []int {
	var pids []int
	for _, p := range processes() {
		if p.parent == parent {
			pids = append(pids, p.pid)
		}
	}
	return pids
}
