package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gatewright/gatewright/test/homelab"
)

func main() {
	// The process ends with the command, so the signals are never let go.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o := options{}
	sizes := flag.String("sizes", "10,1000,5000", "numbers of routes, ascending")
	flag.StringVar(&o.out, "out", filepath.Join("docs", "benchmarks"), "directory of the reports; empty for none")
	flag.StringVar(&o.only, "only", "", "run only the measurements whose names begin with this")
	flag.IntVar(&o.samples, "samples", 30, "changes at each number of routes")
	flag.Parse()
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench-control: -sizes:", err)
			os.Exit(2)
		}
		o.sizes = append(o.sizes, n)
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench-control:", err)
		os.Exit(1)
	}
}

type options struct {
	sizes   []int
	samples int
	out     string
	only    string
}

// wants says whether the measurement of that name is to be run.
func (o options) wants(name string) bool { return strings.HasPrefix(name, o.only) }

func run(ctx context.Context, o options) (err error) {
	lab, err := homelab.Up(ctx, homelab.Options{Log: os.Stderr, Replace: true})
	if err != nil {
		return err
	}
	defer func() {
		if down := lab.Down(); err == nil {
			err = down
		}
	}()
	b, err := newBench(ctx, lab)
	if err != nil {
		return err
	}
	if err := b.measure(ctx, o); err != nil {
		return err
	}
	return b.report.write(o.out)
}

// measure goes through the measurements, from few routes to many.
func (b *bench) measure(ctx context.Context, o options) error {
	if err := b.idle(ctx); err != nil {
		return err
	}
	for _, n := range o.sizes {
		if err := b.grow(ctx, n); err != nil {
			return err
		}
		if o.wants("propagation") {
			if err := b.propagation(ctx, o.samples); err != nil {
				return err
			}
			if err := b.bursts(ctx); err != nil {
				return err
			}
		}
		if n > 1 && o.wants("churn") {
			if err := b.churn(ctx); err != nil {
				return err
			}
		}
		if err := b.memory(ctx, fmt.Sprintf("%d routes", n)); err != nil {
			return err
		}
	}
	if o.wants("restart") {
		if err := b.restarts(ctx); err != nil {
			return err
		}
	}
	if o.wants("crowd") {
		return b.crowd(ctx)
	}
	return nil
}
