package operator

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// pacer leaves time between pieces of work, compilations for example, so that the
// first change of a burst is taken up at once and the rest of it together.
type pacer struct {
	least   time.Duration
	limiter *rate.Limiter
}

// newPacer returns one that leaves at least that time from the beginning of one
// piece to that of the next; 0 for none.
func newPacer(least time.Duration) *pacer {
	return &pacer{least, rate.NewLimiter(rate.Every(least), 1)}
}

// wait fails if the context ends first.
func (p *pacer) wait(ctx context.Context) error { return p.limiter.Wait(ctx) }

// took notes how long a piece was. Where that is long, the next ones wait for four
// times as long: else, while routes come by the hundred, compilations that the next
// one supersedes would take the processor from the API server and from nginx.
func (p *pacer) took(d time.Duration) {
	const share = 4
	p.limiter.SetLimit(rate.Every(max(p.least, share*d)))
}
