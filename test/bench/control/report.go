package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gatewright/test/bench/report"
)

// row is one figure.
type row struct {
	Measurement string  `json:"measurement"`
	Routes      int     `json:"routes"`
	What        string  `json:"what"`
	Value       float64 `json:"value"`
	Unit        string  `json:"unit"`
}

// figures are all of a run.
type figures struct {
	Machine string `json:"machine"`
	Rows    []row  `json:"rows"`
}

func newFigures() *figures {
	return &figures{Machine: report.Machine() + "; load generator, cluster and Gatewright share them"}
}

func (r *figures) add(one row) {
	say("  %-12s %5d  %-60s %9.1f %s", one.Measurement, one.Routes, one.What, one.Value, one.Unit)
	r.Rows = append(r.Rows, one)
}

// durations adds percentiles of the sample, in milliseconds, each as a row like
// the one given.
func (r *figures) durations(one row, sample []time.Duration, percentiles ...float64) {
	slices.Sort(sample)
	for _, p := range percentiles {
		r.add(row{
			Measurement: one.Measurement, Routes: one.Routes, What: fmt.Sprintf("%s, p%g", one.What, p),
			Value: milliseconds(report.Percentile(sample, p)), Unit: "ms",
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// write writes both forms into the directory.
func (r *figures) write(dir string) error {
	if dir == "" {
		return nil
	}
	return report.Write(dir, "control-path", r, r.markdown())
}

// titles are the measurements, in order, with what they are.
var titles = []struct{ measurement, title, text string }{
	{"propagation", "From a change to a request that sees it", "A route is created or changed through the API server, and asked for over new connections from the home LAN all the time. The time is from the end of the API call to the first right answer. In a burst, 100 routes are created 16 at a time, and each has its own time. A route that does not change is asked for all the while."},
	{"crowd", "A thousand routes at once", "They are created 16 at a time, and deleted so."},
	{"restart", "Restarts", "Pods are deleted with all routes in place."},
	{"churn", "Endpoints that come and go", "An EndpointSlice at a time gets another address, evenly spread over the Services. The time is from the end of the API call to the first answer of the new endpoint."},
	{"memory", "Memory", "RSS and PSS of processes as the kernel has them (smaps_rollup)."},
}

func (r *figures) markdown() []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "# The control path, measured\n\nWritten by `make bench-control` (test/bench/control). %s.\n", r.Machine)
	for _, t := range titles {
		rows := slices.DeleteFunc(slices.Clone(r.Rows), func(o row) bool { return o.Measurement != t.measurement })
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n| Routes | What | Value |\n|---:|---|---:|\n", t.title, t.text)
		for _, o := range rows {
			fmt.Fprintf(&out, "| %d | %s | %s %s |\n", o.Routes, o.What, report.Figure(o.Value), o.Unit)
		}
	}
	return []byte(out.String())
}
