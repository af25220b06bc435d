package hop

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// maxKept is how much of a request's body is kept for another attempt.
const maxKept = 64 << 10

var errAttemptOver = errors.New("the attempt is over")

// body is a request's body, which attempts read one after the other. What was
// read is kept, so that a later attempt begins with it, until there is too much
// of it.
type body struct {
	mu     sync.Mutex
	source io.Reader
	// keep says that there may be another attempt.
	keep bool
	kept []byte
	err  error
	// These are asked for while a Read may wait for the client: ended is set at
	// the end of the source, failed when the client did not send all of it, and
	// spent when more was read than is kept.
	ended, failed, spent atomic.Bool
}

// again tells whether another attempt could send the body from its start.
func (b *body) again() bool { return b == nil || !b.spent.Load() }

// reader returns the body for one attempt. The one before must have been
// closed.
func (b *body) reader() *bodyReader { return &bodyReader{body: b} }

// bodyReader reads the body for one attempt.
type bodyReader struct {
	body   *body
	at     int
	closed atomic.Bool
}

// Close does not wait for a Read that waits for the client: what that gets is
// kept for the next attempt.
func (r *bodyReader) Close() error {
	r.closed.Store(true)
	return nil
}

func (r *bodyReader) Read(p []byte) (int, error) {
	b := r.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.closed.Load() {
		return 0, errAttemptOver
	}
	if r.at < len(b.kept) {
		n := copy(p, b.kept[r.at:])
		r.at += n
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.keep && len(b.kept) == maxKept {
		b.keep = false
	}
	if b.keep {
		// What is read is always kept: this attempt may be over by then.
		p = p[:min(len(p), maxKept-len(b.kept))]
	} else {
		b.spent.Store(true)
	}
	n, err := b.source.Read(p)
	if b.keep {
		b.kept = append(b.kept, p[:n]...)
		r.at += n
	}
	if err != nil {
		b.err = err
		b.ended.Store(errors.Is(err, io.EOF))
		b.failed.Store(!errors.Is(err, io.EOF))
	}
	return n, err
}
