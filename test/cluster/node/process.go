package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/gatewright/gatewright/test/cluster/cache"
)

// logTail is how many lines of a failed process's log an error quotes.
const logTail = 15

// supervisor starts the node's long-lived processes and ends the context when
// the first of them ends.
type supervisor struct {
	spec Spec
	end  context.CancelCauseFunc
}

// start runs a process with its output in the log folder.
func (s *supervisor) start(name string, argv ...string) error {
	logPath := s.spec.path(LogDir, name+".log")
	log, err := os.Create(logPath)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	command := exec.Command(argv[0], argv[1:]...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		err := command.Wait()
		if err == nil {
			err = errors.New("it ended without an error")
		}
		s.end(fmt.Errorf("%s ended: %w\n%s", name, err, cache.Tail(logPath, logTail)))
	}()
	return nil
}
