package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is one figure.
type row struct {
	Measurement string  `json:"measurement"`
	Routes      int     `json:"routes"`
	What        string  `json:"what"`
	Value       float64 `json:"value"`
	Unit        string  `json:"unit"`
}

// report is all figures of a run.
type report struct {
	Machine string `json:"machine"`
	Rows    []row  `json:"rows"`
}

func newReport() *report {
	return &report{Machine: fmt.Sprintf("%d cores %s, %s/%s; load generator, cluster and Gatewright share them",
		runtime.NumCPU(), model(), runtime.GOOS, runtime.GOARCH)}
}

func model() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "of unknown kind"
}

func (r *report) add(one row) {
	say("  %-12s %5d  %-60s %9.1f %s", one.Measurement, one.Routes, one.What, one.Value, one.Unit)
	r.Rows = append(r.Rows, one)
}

// durations adds percentiles of the sample, in milliseconds, each as a row like
// the one given.
func (r *report) durations(one row, sample []time.Duration, percentiles ...float64) {
	slices.Sort(sample)
	for _, p := range percentiles {
		at := max(0, int(math.Ceil(p/100*float64(len(sample))))-1)
		r.add(row{
			Measurement: one.Measurement, Routes: one.Routes, What: fmt.Sprintf("%s, p%g", one.What, p),
			Value: milliseconds(sample[at]), Unit: "ms",
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// write writes both forms into the directory.
func (r *report) write(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	for name, content := range map[string][]byte{"control-path.json": append(data, '\n'), "control-path.md": r.markdown()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}

// titles are the measurements, in order, with what they are.
var titles = []struct{ measurement, title, text string }{
	{"propagation", "From a change to a request that sees it", "A route is created or changed through the API server, and asked for over new connections from the home LAN all the time. The time is from the end of the API call to the first right answer. In a burst, 100 routes are created 16 at a time, and each has its own time. A route that does not change is asked for all the while."},
	{"crowd", "A thousand routes at once", "They are created 16 at a time, and deleted so."},
	{"restart", "Restarts", "Pods are deleted with all routes in place."},
	{"churn", "Endpoints that come and go", "An EndpointSlice at a time gets another address, evenly spread over the Services. The time is from the end of the API call to the first answer of the new endpoint."},
	{"memory", "Memory", "RSS and PSS of processes as the kernel has them (smaps_rollup)."},
}

func (r *report) markdown() []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "# The control path, measured\n\nWritten by `make bench-control` (test/bench/control). %s.\n", r.Machine)
	for _, t := range titles {
		rows := slices.DeleteFunc(slices.Clone(r.Rows), func(o row) bool { return o.Measurement != t.measurement })
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n| Routes | What | Value |\n|---:|---|---:|\n", t.title, t.text)
		for _, o := range rows {
			fmt.Fprintf(&out, "| %d | %s | %s %s |\n", o.Routes, o.What, figure(o.Value), o.Unit)
		}
	}
	return []byte(out.String())
}

// figure prints three digits that count.
func figure(v float64) string {
	if v >= 100 || v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}
