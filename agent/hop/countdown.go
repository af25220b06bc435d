package hop

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

var (
	errRequestTime = errors.New("the request's time is up")
	errBackendTime = errors.New("the backend's time is up")
)

// long ago, as a deadline: what waits is woken.
var past = time.Unix(1, 0)

// countdown ends a request when its time is up: it cancels what the backend is
// asked, and wakes a response that waits for a slow client.
type countdown struct {
	timer   *time.Timer
	cancel  context.CancelCauseFunc
	control *http.ResponseController
	// wake ends the wait for the rest of the request: the transport returns only
	// when its reading of the body has.
	wake func()

	mu        sync.Mutex
	answering bool
	over      bool
}

// start begins to count. A countdown that was not started never ends.
func (c *countdown) start(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(d, c.end)
}

func (c *countdown) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	// First, so that what follows counts as the request's time being up.
	c.cancel(errRequestTime)
	c.wake()
	if c.answering {
		// Nothing can be done if it fails: the client is waited for.
		_ = c.control.SetWriteDeadline(past)
	}
}

// answer tells whether there is time left to begin a response.
func (c *countdown) answer() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answering = !c.over
	return c.answering
}

// stop ends the counting. After it, nothing happens any more.
func (c *countdown) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.timer != nil {
		c.timer.Stop()
	}
}
