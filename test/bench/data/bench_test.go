package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/gatewright/gatewright/test/bench/data/rig"
)

// TestMain lets the test be the backend that a rig starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "backend" {
		if err := dispatch(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestGatewrightAndItsYardstickAnswerEveryScenarioAlike(t *testing.T) {
	t.Parallel()
	for _, g := range groups {
		s := g.site()
		if len(s.Routes) > 100 {
			continue // the same as with fewer, and slow to start
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			r, err := rig.New(t.Context(), s, g.options(rig.Options{
				ProxyCores: "0", LoadCores: "0", Proxies: []string{rig.Gatewright, rig.HandWritten},
			}))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			})
			for _, c := range g.contests(r) {
				for _, one := range c.contestants {
					if err := one.scenario.verify(t.Context(), r, one.proxy); err != nil {
						t.Errorf("%s by %s: %v", c.name, one.name, err)
					}
				}
			}
		})
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	t.Parallel()
	m := measurement{Yardstick: rig.HandWritten, Proxies: []proxyFigures{
		{Name: rig.Gatewright, Rounds: []sample{{Rate: 90, Cost: 2}, {Rate: 300, Cost: 2, Failed: 1}, {Rate: 50, Cost: 1, Failed: 2}}},
		{Name: rig.HandWritten, Rounds: []sample{{Rate: 100, Cost: 1}, {Rate: 200, Cost: 4}, {Rate: 50, Cost: 1}}},
	}}
	m.sumUp()
	got := m.Proxies[0]
	if got.RateRatio.Median != 1 || got.RateRatio.Min != 0.9 || got.RateRatio.Max != 1.5 {
		t.Errorf("ratios of rates %v", got.RateRatio)
	}
	if got.CostRatio.Median != 1 || got.Failed != 3 {
		t.Errorf("ratios of costs %v, %d failed", got.CostRatio, got.Failed)
	}
}
