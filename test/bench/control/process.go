package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// process is one of those under measurement, found by its command line.
type process struct {
	pid  int
	name string
}

// processes are those of the lab: the operator, the webhook, the agent and its
// nginx. A machine has room for one lab.
func processes() []process {
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var found []process
	for _, path := range entries {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // It has gone.
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if name := nameOf(data); name != "" {
			found = append(found, process{pid, name})
		}
	}
	return found
}

func nameOf(cmdline []byte) string {
	words := strings.Split(string(bytes.TrimRight(cmdline, "\x00")), "\x00")
	switch {
	case words[0] == "/usr/bin/gatewright-agent":
		return "agent"
	case len(words) > 1 && words[0] == "/usr/bin/gatewright" && slices.Contains([]string{"operator", "webhook"}, words[1]):
		return words[1]
	case strings.HasPrefix(words[0], "nginx: "):
		return "nginx"
	}
	return ""
}

const mebibyte = 1 << 20

// usage is what a process, or several, have of the memory, in bytes
// (proc_pid_smaps_rollup(5)).
type usage struct {
	// rss is what is resident; pss counts pages that others have too in shares.
	rss, pss int64
	// own is the share of pages that are no part of a file: those of programs and
	// libraries can be dropped, and read again.
	own int64
}

func memoryOf(pid int) (usage, error) {
	var u usage
	file, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return u, fmt.Errorf("read the memory of a process: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "Rss:":
			u.rss = kilobytes << 10
		case "Pss:":
			u.pss = kilobytes << 10
		case "Pss_Anon:", "Pss_Shmem:":
			u.own += kilobytes << 10
		}
	}
	return u, lines.Err()
}

func (u usage) plus(other usage) usage {
	return usage{u.rss + other.rss, u.pss + other.pss, u.own + other.own}
}

// cpuOf is the processor time that the processes of the name have used
// (proc_pid_stat(5)).
func cpuOf(name string) time.Duration {
	// USER_HZ is 100 on all architectures of Linux that Go runs on.
	const ticks = 100
	var total time.Duration
	for _, p := range processes() {
		if p.name != name {
			continue
		}
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		for _, field := range fields[11:13] {
			n, _ := strconv.ParseInt(field, 10, 64)
			total += time.Duration(n) * time.Second / ticks
		}
	}
	return total
}

// rest is how long nothing changes before memory is looked at: workers that drain
// are gone by then, and so is what they asked for.
const rest = 30 * time.Second

// memory notes what the processes hold after a rest.
func (b *bench) memory(ctx context.Context, when string) error {
	if err := b.pause(ctx, rest); err != nil {
		return err
	}
	used := map[string]usage{}
	for _, p := range processes() {
		u, err := memoryOf(p.pid)
		if err != nil {
			continue // It has gone.
		}
		used[p.name] = used[p.name].plus(u)
	}
	add := func(what string, bytes int64) {
		b.report.add(row{Measurement: "memory", Routes: b.routes, What: what + ": " + when, Value: mib(bytes), Unit: "MiB"})
	}
	names := []string{"operator", "webhook"}
	if _, ok := used["nginx"]; ok {
		names = append(names, "agent")
	}
	for _, name := range names {
		add(name+", RSS", used[name].rss)
		add(name+", of that no part of a file", used[name].own)
	}
	if nginx, ok := used["nginx"]; ok {
		pod := nginx.plus(used["agent"])
		add("nginx, all its processes, PSS", nginx.pss)
		add("nginx pod, agent and nginx, PSS", pod.pss)
		add("nginx pod, of that no part of a file", pod.own)
	}
	return nil
}

func mib(bytes int64) float64 { return float64(bytes) / mebibyte }
