package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gatewright/gatewright/test/bench/data/backend"
	"github.com/gatewright/gatewright/test/bench/data/load"
	"github.com/gatewright/gatewright/test/bench/data/rig"
)

func main() {
	// The process ends with the command, so the signals are never let go.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// dispatch runs what this program is to be: the bench, or one of the processes
// that the bench starts.
func dispatch(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "load":
		return load.Main(ctx, args[1], os.Stdout)
	case len(args) == 3 && args[0] == "backend":
		echo, _ := strconv.Atoi(args[1])
		calls, _ := strconv.Atoi(args[2])
		return backend.Serve(ctx, echo, calls)
	}
	o := options{}
	flag.StringVar(&o.out, "out", filepath.Join("docs", "benchmarks"), "directory of the reports; empty for none")
	only := flag.String("run", "", "run only the scenarios whose names match this regular expression")
	proxies := flag.String("proxies", strings.Join(rig.Names(), ","), "proxies under test")
	flag.IntVar(&o.rounds, "rounds", 7, "rounds of each scenario")
	flag.DurationVar(&o.duration, "duration", time.Second, "how long a proxy is loaded in a round; wrk counts in whole seconds")
	flag.StringVar(&o.rig.ProxyCores, "proxy-cores", "0", "cores of the proxies")
	flag.StringVar(&o.rig.LoadCores, "load-cores", "1", "cores of the load generators and the backends")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("read -run: %w", err)
	}
	o.rig.Proxies = strings.Split(*proxies, ",")
	return run(ctx, o)
}

type options struct {
	rounds   int
	duration time.Duration
	out      string
	only     *regexp.Regexp
	rig      rig.Options
}

func run(ctx context.Context, o options) error {
	f, err := newFigures(ctx, o)
	if err != nil {
		return err
	}
	for _, group := range groups {
		wanted := group.matching(o.only)
		if len(wanted.scenarios)+len(wanted.features) == 0 {
			continue
		}
		if err := f.measure(ctx, wanted, o); err != nil {
			return err
		}
	}
	fmt.Print(f.table())
	return f.write(o.out)
}
