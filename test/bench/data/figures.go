package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/gatewright/gatewright/test/bench/data/rig"
	"github.com/gatewright/gatewright/test/bench/report"
)

// figures are all of a run.
type figures struct {
	Machine      string        `json:"machine"`
	Versions     []string      `json:"versions"`
	Method       string        `json:"method"`
	Measurements []measurement `json:"measurements"`
}

// measurement is one scenario.
type measurement struct {
	Name    string `json:"name"`
	Text    string `json:"text"`
	Unit    string `json:"unit"`
	Command string `json:"command"`
	// Yardstick is the name of the one that ratios compare with.
	Yardstick string         `json:"yardstick"`
	Proxies   []proxyFigures `json:"proxies"`
}

// proxyFigures are what a proxy did in a scenario. Ratios compare with the
// yardstick, in the same round.
type proxyFigures struct {
	Name      string        `json:"name"`
	Rate      report.Spread `json:"rate"`
	RateRatio report.Spread `json:"rateRatio"`
	Cost      report.Spread `json:"cost"`
	CostRatio report.Spread `json:"costRatio"`
	P50       report.Spread `json:"p50"`
	P99       report.Spread `json:"p99"`
	Busy      report.Spread `json:"busy"`
	Failed    int64         `json:"failed"`
	Rounds    []sample      `json:"rounds"`
}

// sample is one proxy's part of a round.
type sample struct {
	// Rate is in the scenario's unit.
	Rate float64 `json:"rate"`
	// P50 and P99 are in milliseconds.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	// Cost is the proxy's processor time for one unit, in microseconds.
	Cost float64 `json:"cost"`
	// Busy is the share of the time for which the proxy ran, of one core.
	Busy   float64 `json:"busy"`
	Failed int64   `json:"failed"`
}

func newFigures(ctx context.Context, o options) (*figures, error) {
	versions, err := rig.Versions(ctx, o.rig)
	if err != nil {
		return nil, err
	}
	return &figures{
		Machine:  report.Machine(),
		Versions: versions,
		Method: fmt.Sprintf("%d rounds of %s after a warm-up of %s; proxies on core %s, load generators and backends on core %s",
			o.rounds, o.duration, warmUp, o.rig.ProxyCores, o.rig.LoadCores),
	}, nil
}

// sumUp makes spreads of the rounds.
func (m *measurement) sumUp() {
	var yardstick []sample
	for _, p := range m.Proxies {
		if p.Name == m.Yardstick {
			yardstick = p.Rounds
		}
	}
	for i := range m.Proxies {
		p := &m.Proxies[i]
		spread := func(of func(sample) float64) report.Spread {
			var values []float64
			for _, s := range p.Rounds {
				values = append(values, of(s))
			}
			return report.SpreadOf(values)
		}
		ratio := func(of func(sample) float64) report.Spread {
			var values []float64
			for n, s := range p.Rounds {
				if n < len(yardstick) && of(yardstick[n]) > 0 {
					values = append(values, of(s)/of(yardstick[n]))
				}
			}
			return report.SpreadOf(values)
		}
		rate, cost := func(s sample) float64 { return s.Rate }, func(s sample) float64 { return s.Cost }
		p.Rate, p.RateRatio = spread(rate), ratio(rate)
		p.Cost, p.CostRatio = spread(cost), ratio(cost)
		p.P50, p.P99 = spread(func(s sample) float64 { return s.P50 }), spread(func(s sample) float64 { return s.P99 })
		p.Busy = spread(func(s sample) float64 { return s.Busy })
		for _, s := range p.Rounds {
			p.Failed += s.Failed
		}
	}
}

// columns of its table.
func (m *measurement) columns() []string {
	of := "of " + m.Yardstick
	return []string{"", "rate", of, "min–max", "p50 ms", "p99 ms", "busy", "µs each", of, "failed"}
}

func (m *measurement) cells(p *proxyFigures) []string {
	return []string{
		p.Name, report.Figure(p.Rate.Median) + " " + m.Unit,
		fmt.Sprintf("%.3f", p.RateRatio.Median), fmt.Sprintf("%.3f–%.3f", p.RateRatio.Min, p.RateRatio.Max),
		fmt.Sprintf("%.2f", p.P50.Median), fmt.Sprintf("%.2f", p.P99.Median), fmt.Sprintf("%.0f %%", 100*p.Busy.Median),
		fmt.Sprintf("%.1f", p.Cost.Median), fmt.Sprintf("%.3f", p.CostRatio.Median), fmt.Sprint(p.Failed),
	}
}

// lines are the scenario as text.
func (m *measurement) lines() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(&out, "%s: %s\n", m.Name, m.Text)
	fmt.Fprintln(w, strings.Join(m.columns(), "\t")+"\t")
	for i := range m.Proxies {
		fmt.Fprintln(w, strings.Join(m.cells(&m.Proxies[i]), "\t")+"\t")
	}
	_ = w.Flush()
	return out.String()
}

func (f *figures) table() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n%s\n%s\n\n", f.Machine, strings.Join(f.Versions, "; "), f.Method)
	for i := range f.Measurements {
		fmt.Fprintln(&out, f.Measurements[i].lines())
	}
	return out.String()
}

func (f *figures) write(dir string) error {
	if dir == "" {
		return nil
	}
	return report.Write(dir, "data-path", f, f.markdown())
}

func (f *figures) markdown() []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "# The data path, measured\n\nWritten by `make bench` (test/bench/data); what the columns mean: [README.md](README.md).\n\n"+
		"%s; %s.\n%s.\n", f.Machine, f.Method, strings.Join(f.Versions, "; "))
	for i := range f.Measurements {
		m := &f.Measurements[i]
		fmt.Fprintf(&out, "\n## %s: %s\n\n    %s\n\n| %s |\n|---%s|\n", m.Name, m.Text, m.Command,
			strings.Join(m.columns(), " | "), strings.Repeat("|---:", len(m.columns())-1))
		for j := range m.Proxies {
			fmt.Fprintf(&out, "| %s |\n", strings.Join(m.cells(&m.Proxies[j]), " | "))
		}
	}
	return []byte(out.String())
}
