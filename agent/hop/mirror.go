package hop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

const (
	// copyTime is how long a copy may go on when the request itself is over
	// (proxy_read_timeout of mirrors in our templates).
	copyTime = 10 * time.Second
	// maxCopies bounds how many copies are under way at once.
	maxCopies = 1024
	allShares = 10000
)

// mirror is a bundle.HopMirror, ready for use.
type mirror struct {
	backend *backend
	share   int32
}

func (p *preparation) mirrors(sources []bundle.HopMirror) ([]mirror, error) {
	var all []mirror
	for i := range sources {
		source := &sources[i]
		if source.Share < 1 || source.Share > allShares {
			return nil, fmt.Errorf("mirror %d: %d of %d is no share of the requests", i, source.Share, allShares)
		}
		b, err := p.backend(&source.Backend)
		if err != nil {
			return nil, fmt.Errorf("mirror %d: %w", i, err)
		}
		all = append(all, mirror{backend: b, share: source.Share})
	}
	return all, nil
}

// wanted draws whether a request is copied.
func (m mirror) wanted() bool {
	return m.share == allShares || rand.Int32N(allShares) < m.share //nolint:gosec // nobody gains by a guess
}

// mirror begins the copies that the rule asks for, of a request that was let in.
// They get its body as it is read for the backend, and never keep it waiting.
// Call what is returned when the request is over.
func (x *exchange) mirror(granted grant) (over func()) {
	var begun []*requestCopy
	for _, m := range x.rule.mirrors {
		if !m.wanted() {
			continue
		}
		if c := x.beginCopy(m, granted); c != nil {
			begun = append(begun, c)
		}
	}
	if x.body != nil && len(begun) > 0 {
		x.body.source = &tee{source: x.body.source, copies: begun}
	}
	return func() {
		for _, c := range begun {
			c.requestOver()
		}
	}
}

// beginCopy sends one copy; nil if there are too many already.
func (x *exchange) beginCopy(m mirror, granted grant) *requestCopy {
	s := x.server
	if s.counts.copies.Add(1) > maxCopies {
		s.counts.copies.Add(-1)
		s.copyFailed(x.rule, errTooManyCopies)
		return nil
	}
	ctx, cancel := context.WithCancelCause(s.base)
	c := newRequestCopy(&s.counts.backlog, cancel)
	sent := &exchange{
		server: s, rule: &rule{id: x.rule.id}, backend: m.backend, ctx: ctx,
		r: x.r.WithContext(ctx), header: x.outgoingHeader(m.backend, granted),
	}
	// The request's own are written while they are read.
	sent.r.Trailer = nil
	if x.body != nil {
		sent.body = &body{source: c}
	}
	go func() {
		defer s.counts.copies.Add(-1)
		defer cancel(errCopyOver)
		err := sent.drop()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		if why := c.close(); err != nil && !errors.Is(why, errRequestOver) && s.base.Err() == nil {
			s.copyFailed(x.rule, err)
		}
	}()
	return c
}

var errTooManyCopies = errors.New("too many copies are under way")

func (s *Server) copyFailed(r *rule, err error) {
	s.counts.copiesFailed.Add(1)
	s.warn("copy of a request failed", "rule", r.id, "error", err)
}

// drop sends the request and reads the response for nobody.
func (x *exchange) drop() error {
	a := x.attempt(false)
	defer a.discard()
	if a.err != nil {
		return fmt.Errorf("send to %q: %w", a.endpoint.host, a.err)
	}
	if a.response == nil {
		return fmt.Errorf("%w: %s", errNobodyThere, http.StatusText(a.status))
	}
	buffer := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buffer)
	if _, err := io.CopyBuffer(io.Discard, a.response.Body, buffer[:]); err != nil {
		return fmt.Errorf("read the answer of %q: %w", a.endpoint.host, err)
	}
	return nil
}

var errNobodyThere = errors.New("there is nobody to send it to")
