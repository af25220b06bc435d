package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gatewright/test/bench/report"
)

// runOwn runs this program a second time, see Main.
func runOwn(ctx context.Context, f Field, p Plan) (Result, error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return Result{}, err
	}
	command, err := f.Command("load", string(plan))
	if err != nil {
		return Result{}, err
	}
	out, err := output(ctx, f, command)
	if err != nil {
		return Result{}, err
	}
	var r Result
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("read what this program printed: %w\n%s", err, out)
	}
	return r, nil
}

// Main is the program that Field.Command calls "load": it puts the plan that is
// its argument into effect, and prints the result.
func Main(ctx context.Context, argument string, out io.Writer) error {
	var p Plan
	if err := json.Unmarshal([]byte(argument), &p); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	clients := map[Tool]func(Plan) client{Handshakes: newHandshakes, Sockets: newSocket, Uploads: newUploads}
	open, ok := clients[p.Tool]
	if !ok {
		return fmt.Errorf("%s is no tool of this program", p.Tool)
	}
	return json.NewEncoder(out).Encode(drive(ctx, p, open))
}

// client asks once, and waits for the answer.
type client func(context.Context) error

// drive has all clients ask until the time is up.
func drive(ctx context.Context, p Plan, open func(Plan) client) Result {
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []float64
	var r Result
	began := time.Now()
	for range p.Connections {
		all.Go(func() {
			ask := open(p)
			var mine []float64
			var failed int64
			// A client that fails again and again is not to spin.
			for time.Since(began) < p.Duration && failed < 100 {
				start := time.Now()
				if err := ask(ctx); err != nil {
					failed++
					fmt.Fprintln(os.Stderr, err)
					continue
				}
				mine = append(mine, float64(time.Since(start))/float64(time.Millisecond))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			r.Failed += failed
		})
	}
	all.Wait()
	r.Count = int64(len(took))
	r.Rate = float64(len(took)) / time.Since(began).Seconds()
	if len(took) > 0 {
		slices.Sort(took)
		r.P50, r.P99 = report.Percentile(took, 50), report.Percentile(took, 99)
	}
	return r
}
