package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gatewright/gatewright/test/bench/data/rig"
)

// warmUp is how long a proxy is loaded before the first round.
const warmUp = time.Second

// measure runs the scenarios of a group on its site.
func (f *figures) measure(ctx context.Context, g group, o options) (err error) {
	s := g.site()
	say("setting up %s", s.Name)
	r, err := rig.New(ctx, s, g.options(o.rig))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, one := range g.contests(r) {
		if err := f.rounds(ctx, r, one, o); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// contest is what is measured in the same rounds.
type contest struct {
	name, text, unit string
	// yardstick is the name of the contestant that others are divided by.
	yardstick   string
	contestants []contestant
}

// contestant is a proxy, and what it is asked.
type contestant struct {
	name     string
	proxy    *rig.Proxy
	scenario scenario
}

// rounds runs all rounds. Each round has every contestant, one after the other,
// and begins with another one than the last.
func (f *figures) rounds(ctx context.Context, r *rig.Rig, c contest, o options) error {
	m := measurement{Name: c.name, Text: c.text, Unit: c.unit, Yardstick: c.yardstick}
	for _, one := range c.contestants {
		m.Proxies = append(m.Proxies, proxyFigures{Name: one.name})
		if err := one.scenario.verify(ctx, r, one.proxy); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		if _, err := one.scenario.once(ctx, r, one.proxy, warmUp); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	first := c.contestants[0]
	command := first.scenario.plan
	command.Port, command.Duration = first.scenario.port(first.proxy), o.duration
	m.Command = command.String()
	for n := range o.rounds {
		for i := range c.contestants {
			at := (i + n) % len(c.contestants)
			one := c.contestants[at]
			sample, err := one.scenario.once(ctx, r, one.proxy, o.duration)
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			m.Proxies[at].Rounds = append(m.Proxies[at].Rounds, sample)
		}
	}
	m.sumUp()
	say("%s", m.lines())
	f.Measurements = append(f.Measurements, m)
	return nil
}

// verify has one request answered by the backend of the scenario's rule. That
// proxies listen does not yet say that they know where to.
func (s scenario) verify(ctx context.Context, r *rig.Rig, p *rig.Proxy) error {
	rule, ok := r.Site.Rule(s.plan.Host, max(1, s.rule))
	if !ok {
		return fmt.Errorf("no rule %d of %s", s.rule, s.plan.Host)
	}
	plan := s.plan
	plan.Port = s.port(p)
	var err error
	for range 100 {
		if err = r.Verify(ctx, plan, rule.Address); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

func (s scenario) port(p *rig.Proxy) int {
	if s.tls {
		return p.HTTPS
	}
	return p.HTTP
}

// once loads one proxy, and takes its processor time before and after.
func (s scenario) once(ctx context.Context, r *rig.Rig, p *rig.Proxy, d time.Duration) (sample, error) {
	plan := s.plan
	plan.Port, plan.Duration = s.port(p), d
	before, err := p.Processor()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	result, err := r.Load(ctx, plan)
	if err != nil {
		return sample{}, err
	}
	took := time.Since(began)
	after, err := p.Processor()
	if err != nil {
		return sample{}, err
	}
	times := max(1, s.times)
	used := after - before
	return sample{
		Rate: result.Rate * times, P50: result.P50, P99: result.P99, Failed: result.Failed,
		Cost: used.Seconds() * 1e6 / (float64(result.Count) * times),
		Busy: used.Seconds() / took.Seconds(),
	}, nil
}

// say tells who waits what goes on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
