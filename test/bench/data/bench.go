package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gatewright/gatewright/test/bench/data/rig"
	"github.com/gatewright/gatewright/test/bench/data/site"
)

// warmUp is how long a proxy is loaded before the first round.
const warmUp = time.Second

// measure runs the scenarios on one site.
func (f *figures) measure(ctx context.Context, s site.Site, scenarios []scenario, o options) (err error) {
	say("setting up %s", s.Name)
	r, err := rig.New(ctx, s, o.rig)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, one := range scenarios {
		if err := f.scenario(ctx, r, one, o); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// scenario runs all rounds. Each round has every proxy, one after the other, and
// begins with another one than the last.
func (f *figures) scenario(ctx context.Context, r *rig.Rig, s scenario, o options) error {
	m := measurement{Name: s.name, Text: s.text, Unit: s.unit, Proxies: make([]proxyFigures, len(r.Proxies))}
	for i, p := range r.Proxies {
		m.Proxies[i].Name = p.Name
		if err := s.verify(ctx, r, p); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		if _, err := s.once(ctx, r, p, warmUp); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	first := s.plan
	first.Port, first.Duration = s.port(r.Proxies[0]), o.duration
	m.Command = first.String()
	for n := range o.rounds {
		for i := range r.Proxies {
			at := (i + n) % len(r.Proxies)
			sample, err := s.once(ctx, r, r.Proxies[at], o.duration)
			if err != nil {
				return fmt.Errorf("%s: %w", r.Proxies[at].Name, err)
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
