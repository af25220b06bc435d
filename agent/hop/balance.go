package hop

import (
	"math/rand/v2"
	"sync"
)

// balance chooses among members by weight, evenly spread (nginx's smooth
// weighted round robin).
type balance struct {
	weights []int64

	mu      sync.Mutex
	current []int64
}

// newBalance starts anywhere in the rotation, so that a table that is replaced
// often does not always begin with the same member.
func newBalance(weights []int64) *balance {
	b := &balance{weights: weights, current: make([]int64, len(weights))}
	total := int64(0)
	for _, w := range weights {
		total += w
	}
	for i := range b.current {
		b.current[i] = rand.Int64N(max(1, total))
	}
	return b
}

// pick returns the next of the eligible members, or -1 if there is none.
func (b *balance) pick(eligible func(int) bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	best, total := -1, int64(0)
	for i, w := range b.weights {
		if !eligible(i) {
			continue
		}
		b.current[i] += w
		total += w
		if best < 0 || b.current[i] > b.current[best] {
			best = i
		}
	}
	if best >= 0 {
		b.current[best] -= total
	}
	return best
}
