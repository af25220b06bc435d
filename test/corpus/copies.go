package corpus

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// numberHeader has the number of a request of which copies are expected.
const numberHeader = "X-Corpus-Number"

// witness remembers what backends saw of numbered requests.
type witness struct {
	mu   sync.Mutex
	seen map[string][]account
	// changed is closed when more was seen.
	changed chan struct{}
	last    int
	// attempts counts requests by their target.
	attempts map[string]int
}

func newWitness() *witness {
	return &witness{seen: map[string][]account{}, changed: make(chan struct{}), attempts: map[string]int{}}
}

// attempt counts a request for the target.
func (s *witness) attempt(target string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[target]++
	return s.attempts[target]
}

// number gives the request a number.
func (s *witness) number(r request) (request, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	n := strconv.Itoa(s.last)
	r.headers = append(slices.Clone(r.headers), [2]string{numberHeader, n})
	return r, n
}

func (s *witness) saw(headers http.Header, a account) {
	n := headers.Get(numberHeader)
	if n == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[n] = append(s.seen[n], a)
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait returns what backends saw of the request, once they did so that often.
func (s *witness) wait(number string, times int) ([]account, error) {
	// Against a hang, not a measurement.
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		seen, changed := slices.Clone(s.seen[number]), s.changed
		s.mu.Unlock()
		if len(seen) >= times {
			return seen, nil
		}
		select {
		case <-changed:
		case <-late:
			return nil, fmt.Errorf("backends saw the request %d times, not %d", len(seen), times)
		}
	}
}

// copies waits for the copies that the request asks for, and words them. The
// request itself has the number, too; own is what its backend said of it, nil
// where nginx answered.
func (r request) copies(w *witness, number string, own *account, services map[string]string) (string, error) {
	times := *r.copied
	if own != nil {
		times++
	}
	seen, err := w.wait(number, times)
	if err != nil {
		return "", err
	}
	if len(seen) > times {
		return "", fmt.Errorf("backends saw the request %d times, not %d", len(seen), times)
	}
	var words []string
	for _, a := range seen {
		if own != nil && a.Backend == own.Backend {
			own = nil
			continue
		}
		words = append(words, fmt.Sprintf("\n    copy to %s: %s%s", backendName(a.Backend, services), a.Line, r.differences(a)))
	}
	slices.Sort(words)
	return strings.Join(words, ""), nil
}
