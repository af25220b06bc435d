package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of the proxies.
const (
	Gatewright  = "Gatewright"
	HandWritten = "nginx by hand"
	HAProxy     = "HAProxy"
	Traefik     = "Traefik"
)

// kinds are the proxies there can be, in the order of reports.
var kinds = []struct {
	name  string
	start func(*Rig, context.Context) (*Proxy, error)
}{
	{Gatewright, (*Rig).startGatewright},
	{HandWritten, (*Rig).startHandWritten},
	{HAProxy, (*Rig).startHAProxy},
	{Traefik, (*Rig).startTraefik},
}

// Names are those of all proxies, in the order of reports.
func Names() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

func (r *Rig) wants(name string) bool { return slices.Contains(r.options.Proxies, name) }

// Proxy is one that serves the site at two ports.
type Proxy struct {
	Name        string
	HTTP, HTTPS int
	pid         int
	// inside says that a part of it runs in this process, which has nothing else
	// to do while it is loaded.
	inside bool
}

// clockTick is the unit of times in /proc/<pid>/stat (USER_HZ).
const clockTick = 10 * time.Millisecond

// Processor is the time that the proxy's processes have run, all together.
func (p *Proxy) Processor() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range p.pids() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, fmt.Errorf("read the processor time of %s: %w", p.Name, err)
		}
		// The name, in parentheses, may hold anything.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, field := range fields[11:13] { // utime and stime
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read the processor time of %s: %w", p.Name, err)
			}
			sum += time.Duration(ticks) * clockTick
		}
	}
	return sum, nil
}

// pids are those of its processes.
func (p *Proxy) pids() []int {
	if p.inside {
		return append(family(p.pid), os.Getpid())
	}
	return family(p.pid)
}

// family is a process and its descendants.
func family(pid int) []int {
	all := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for text := range strings.FieldsSeq(string(children)) {
			if child, err := strconv.Atoi(text); err == nil {
				all = append(all, family(child)...)
			}
		}
	}
	return all
}
