package operator

import (
	"testing"
	"time"

	"golang.org/x/time/rate"
)

func TestCompilationsTakeAQuarterOfTheTimeAtMost(t *testing.T) {
	t.Parallel()
	p := newPacer(100 * time.Millisecond)
	for _, c := range []struct {
		name        string
		took, every time.Duration
	}{
		{"a short one", 10 * time.Millisecond, 100 * time.Millisecond},
		{"a long one", 400 * time.Millisecond, 1600 * time.Millisecond},
		{"a short one again", time.Millisecond, 100 * time.Millisecond},
	} {
		p.took(c.took)
		if got := p.limiter.Limit(); got != rate.Every(c.every) {
			t.Errorf("after %s there may be %v compilations in a second, want %v", c.name, got, rate.Every(c.every))
		}
	}
}
