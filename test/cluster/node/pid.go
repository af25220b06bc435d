package node

import (
	"bytes"
	"fmt"
	"strconv"
)

// Positions in /proc/PID/stat, counted from the field after the parenthesised
// command name; see proc(5).
const (
	stateField     = 0
	startTimeField = 19
)

// StartTime reads the start time of a process, in clock ticks since boot, from
// the content of its /proc/PID/stat. Together with the process ID it names one
// process for good, while the ID alone is reused. A process that has ended and
// is only waited for has none.
func StartTime(stat []byte) (uint64, error) {
	end := bytes.LastIndexByte(stat, ')')
	fields := bytes.Fields(stat[end+1:])
	if end < 0 || len(fields) <= startTimeField {
		return 0, fmt.Errorf("read a process's start time: unexpected format %q", stat)
	}
	if state := string(fields[stateField]); state == "Z" || state == "X" {
		return 0, fmt.Errorf("read a process's start time: it has ended")
	}
	start, err := strconv.ParseUint(string(fields[startTimeField]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read a process's start time: %w", err)
	}
	return start, nil
}
