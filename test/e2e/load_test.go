package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gatewright/test/homelab"
)

const (
	// rate is the number of requests in a second.
	rate = 200
	// calm is how long the load goes on undisturbed before and after.
	calm = 3 * time.Second
	// shownFailures bounds what a failed test says about single requests.
	shownFailures = 5
)

// load is a steady stream of requests for whoami by three kinds of clients:
// one keeps connections, one speaks HTTP/2, one connects anew each time.
type load struct {
	clients []*http.Client
	running sync.WaitGroup

	mu     sync.Mutex
	phases []*phase
}

// phase is what happened to the requests that began in it.
type phase struct {
	name     string
	began    time.Time
	lasted   time.Duration
	sent     int
	repeated int
	failures []string
	took     []time.Duration
}

// startLoad sends requests until end is called.
func startLoad(t *testing.T) (l *load, end func()) {
	t.Helper()
	keeping, http2, anew := laptop(t), laptop(t), laptop(t)
	keeping.Transport.(*http.Transport).MaxIdleConnsPerHost = rate
	http2.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	anew.Transport.(*http.Transport).DisableKeepAlives = true
	// Of ten requests, four keep, four are HTTP/2 and two connect.
	l = &load{clients: []*http.Client{keeping, http2, keeping, http2, anew, keeping, http2, keeping, http2, anew}}
	ctx, cancel := context.WithCancel(context.Background())
	l.begin("calm")
	l.running.Go(func() { l.run(ctx) })
	var once sync.Once
	end = func() {
		once.Do(func() {
			cancel()
			l.running.Wait()
			l.endPhase()
		})
	}
	t.Cleanup(end)
	return l, end
}

// begin starts a phase.
func (l *load) begin(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endPhase()
	l.phases = append(l.phases, &phase{name: name, began: time.Now()})
}

func (l *load) endPhase() {
	if n := len(l.phases); n > 0 {
		l.phases[n-1].lasted = time.Since(l.phases[n-1].began)
	}
}

func (l *load) run(ctx context.Context) {
	ticks := time.NewTicker(time.Second / rate)
	defer ticks.Stop()
	start, sent := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		// A busy machine loses ticks; what is due is sent nevertheless.
		for due := int(time.Since(start).Seconds() * rate); sent < due; sent++ {
			c := l.clients[sent%len(l.clients)]
			l.running.Go(func() { l.send(c) })
		}
	}
}

func (l *load) send(c *http.Client) {
	l.mu.Lock()
	p := l.phases[len(l.phases)-1]
	p.sent++
	l.mu.Unlock()
	connections := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connections++ },
	})
	start := time.Now()
	err := ask(ctx, c)
	took := time.Since(start)
	l.mu.Lock()
	defer l.mu.Unlock()
	p.took = append(p.took, took)
	if connections > 1 {
		p.repeated++
	}
	if err != nil {
		p.failures = append(p.failures, fmt.Sprintf("%s: %v", start.Format("15:04:05.000"), err))
	}
}

func ask(ctx context.Context, c *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+homelab.Whoami+"/", http.NoBody)
	if err != nil {
		return err
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", response.Status)
	}
	return nil
}

// report says what each phase saw, and fails the test if a request failed.
func (l *load) report(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var table strings.Builder
	fmt.Fprintf(&table, "%-34s %8s %8s %8s %8s %10s %10s\n", "while", "seconds", "requests", "failed", "repeated", "p50", "p99")
	for _, p := range l.phases {
		slices.Sort(p.took)
		fmt.Fprintf(&table, "%-34s %8.1f %8d %8d %8d %10s %10s\n", p.name, p.lasted.Seconds(), p.sent, len(p.failures), p.repeated,
			p.percentile(50), p.percentile(99))
	}
	t.Logf("%d requests per second over HTTPS; repeated: the client sent it again on another connection\n%s", rate, table.String())
	for _, p := range l.phases {
		for i, failure := range p.failures {
			if i == shownFailures {
				t.Errorf("%s: and %d more", p.name, len(p.failures)-i)
				break
			}
			t.Errorf("%s: a request failed at %s", p.name, failure)
		}
	}
}

// percentile of the sorted times.
func (p *phase) percentile(n int) time.Duration {
	if len(p.took) == 0 {
		return 0
	}
	return p.took[min(len(p.took)-1, len(p.took)*n/100)].Round(100 * time.Microsecond)
}
