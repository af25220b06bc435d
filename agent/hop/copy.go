package hop

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBacklog is how far a copy may be behind the request: the largest message
	// that servers of gRPC take unless they are told otherwise.
	maxBacklog = 4 << 20
	// allBacklogs bounds how far all copies together may be behind.
	allBacklogs = 16 << 20
)

var (
	errRequestOver = errors.New("the request was over before its body")
	errBehind      = errors.New("the copy is too far behind the request")
	errNoAnswer    = errors.New("the mirror has not answered in time")
	errCopyOver    = errors.New("the copy is over")
)

// tee is a body of which copies are made as it is read.
type tee struct {
	source io.Reader
	copies []*requestCopy
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.source.Read(p)
	for _, c := range t.copies {
		c.add(p[:n])
		switch {
		case errors.Is(err, io.EOF):
			c.end(io.EOF)
		case err != nil:
			c.end(errRequestOver)
		}
	}
	return n, err
}

// requestCopy is a copy of a request that is under way. To read it is to read
// what was read of the request's body.
type requestCopy struct {
	cancel context.CancelCauseFunc
	// all is what all copies together have in their backlogs, in bytes.
	all *atomic.Int64

	mu   sync.Mutex
	more sync.Cond
	// backlog was read of the request, and not yet of the copy.
	backlog []byte
	// err is what follows the backlog; nil while there may be more.
	err error
	// patience runs when the request is over.
	patience *time.Timer
}

func newRequestCopy(all *atomic.Int64, cancel context.CancelCauseFunc) *requestCopy {
	c := &requestCopy{cancel: cancel, all: all}
	c.more.L = &c.mu
	return c
}

// add keeps what is to be sent. A copy that is too far behind is given up, and
// what is left of it with it: it must not look complete.
func (c *requestCopy) add(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	if c.all.Add(int64(len(p))) > allBacklogs || len(c.backlog)+len(p) > maxBacklog {
		c.all.Add(-int64(len(p)))
		c.finish(errBehind)
		// A mirror that takes no more would not learn of it.
		c.cancel(errBehind)
		return
	}
	c.backlog = append(c.backlog, p...)
	c.more.Broadcast()
}

// end says that there is no more, and why. The first reason counts.
func (c *requestCopy) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		c.more.Broadcast()
	}
}

// requestOver leaves the copy some time to end.
func (c *requestCopy) requestOver() {
	c.end(errRequestOver)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !errors.Is(c.err, errCopyOver) {
		c.patience = time.AfterFunc(copyTime, func() { c.cancel(errNoAnswer) })
	}
}

// close frees what is kept, and returns what there was at the end of the body.
func (c *requestCopy) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	why := c.err
	c.finish(errCopyOver)
	if c.patience != nil {
		c.patience.Stop()
	}
	return why
}

// finish needs the lock.
func (c *requestCopy) finish(err error) {
	c.all.Add(-int64(len(c.backlog)))
	c.backlog, c.err = nil, err
	c.more.Broadcast()
}

// Read waits for more.
func (c *requestCopy) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.backlog) == 0 && c.err == nil {
		c.more.Wait()
	}
	if len(c.backlog) == 0 {
		return 0, c.err
	}
	n := copy(p, c.backlog)
	c.backlog = c.backlog[n:]
	if len(c.backlog) == 0 {
		// A stream that is silent keeps nothing.
		c.backlog = nil
	}
	c.all.Add(-int64(n))
	return n, nil
}
