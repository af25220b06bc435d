package hop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// exchange is one request and its response.
type exchange struct {
	server  *Server
	rule    *rule
	backend *backend
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	// ctx ends with the client or the rule's request timeout.
	ctx       context.Context
	countdown countdown
	// body is nil for a request without.
	body *body
	// header is what the backend gets.
	header http.Header
	tried  []netip.AddrPort
	// added is what an authorization server has changed in the response.
	added []headerOption
}

// ServeHTTP sends nginx's request to a backend of the rule that it names.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.counts.requests.Add(1)
	id := r.Header.Get(bundle.HopHeader)
	found := s.live.Load().rule(id)
	if found == nil {
		s.warn("request for an unknown hop rule", "rule", id)
		answer(w, http.StatusInternalServerError)
		return
	}
	b := found.pick()
	if b == nil {
		answer(w, http.StatusInternalServerError)
		return
	}
	x := &exchange{
		server: s, rule: found, backend: b, w: w, r: r,
		control: http.NewResponseController(w), ctx: r.Context(),
	}
	x.takeBody()
	if d := found.requestTimeout; d > 0 {
		ctx, cancel := context.WithCancelCause(x.ctx)
		defer cancel(nil)
		x.ctx = ctx
		x.countdown.cancel, x.countdown.control, x.countdown.wake = cancel, x.control, x.wakeBody
		x.countdown.start(d)
		defer x.countdown.stop()
	}
	var granted grant
	if found.auth != nil {
		var ok bool
		if granted, ok = x.authorize(); !ok {
			return
		}
	}
	defer x.mirror(granted)()
	x.header = x.outgoingHeader(b, granted)
	x.run()
}

// warn logs what the operator of a backend should know, but not too often.
func (s *Server) warn(message string, arguments ...any) {
	if s.complain.Allow() {
		s.log.Warn(message, arguments...)
	}
}

func (x *exchange) takeBody() {
	if x.r.Body == nil || x.r.Body == http.NoBody || x.r.ContentLength == 0 {
		return
	}
	x.body = &body{source: x.r.Body, keep: x.rule.retries > 0}
	// Else the server would read the rest of the body before it sends a
	// response. It fails for HTTP/2, which is full duplex anyway.
	_ = x.control.EnableFullDuplex()
}

// run makes attempts until one has a response to pass on, or none is left.
func (x *exchange) run() {
	for retries := 0; ; retries++ {
		a := x.attempt(x.rule.retry && retries < x.rule.retries)
		if !x.again(a, retries) {
			x.finish(a)
			return
		}
		a.discard()
		x.server.counts.retries.Add(1)
		if !x.pause(x.rule.backoff) {
			x.finish(&attempt{err: context.Cause(x.ctx)})
			return
		}
	}
}

// again tells whether the attempt is to be followed by another.
func (x *exchange) again(a *attempt, retries int) bool {
	switch {
	case !x.rule.retry, retries >= x.rule.retries, a.status != 0, x.ctx.Err() != nil, x.gone(), !x.body.again():
		return false
	case a.err == nil:
		return slices.Contains(x.rule.codes, a.response.StatusCode)
	}
	return !a.connected.Load() || idempotent(x.r)
}

// late says that the request's time is up.
func (x *exchange) late() bool { return errors.Is(context.Cause(x.ctx), errRequestTime) }

// gone says that the client has gone, while it was waiting or while it was
// sending.
func (x *exchange) gone() bool {
	return x.r.Context().Err() != nil || x.body != nil && x.body.failed.Load()
}

// idempotent tells whether the request may be sent again although it may have
// been served (RFC 9110, 9.2.2).
func idempotent(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.Header.Get("Idempotency-Key") != ""
}

// pause tells whether there is time left after it.
func (x *exchange) pause(d time.Duration) bool {
	if d <= 0 {
		return x.ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-x.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// finish passes the outcome of the last attempt on to the client.
func (x *exchange) finish(a *attempt) {
	defer a.discard()
	switch {
	case a.status != 0:
		x.refuse(a.status)
	case a.err == nil:
		x.forward(a)
	case x.late() || errors.Is(a.err, errBackendTime):
		x.server.counts.timeouts.Add(1)
		x.refuse(http.StatusGatewayTimeout)
	case x.gone():
		panic(http.ErrAbortHandler)
	default:
		x.server.counts.failures.Add(1)
		x.server.warn("backend failed", "rule", x.rule.id, "endpoint", a.endpoint.host, "error", a.err)
		x.refuse(http.StatusBadGateway)
	}
}

// refuse answers in the backend's place.
func (x *exchange) refuse(status int) {
	x.countdown.stop()
	clear(x.w.Header())
	x.closeUnlessRead()
	answer(x.w, status)
	x.wakeBody()
}

func answer(w http.ResponseWriter, status int) {
	h := w.Header()
	h["Date"] = nil
	h.Set("Content-Type", "text/plain; charset=utf-8")
	text := fmt.Sprintf("%d %s\n", status, http.StatusText(status))
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	// The client's loss.
	_, _ = io.WriteString(w, text)
}

// closeUnlessRead makes a response the last one of its connection if there is
// more of the request: else what follows could be taken for another request.
func (x *exchange) closeUnlessRead() {
	if x.body != nil && !x.body.ended.Load() && x.r.ProtoMajor == 1 {
		x.w.Header().Set("Connection", "close")
	}
}

// wakeBody wakes whoever still waits for the body, of which no more is wanted.
// At its end the server itself begins to read, to learn when the client goes.
func (x *exchange) wakeBody() {
	if x.body != nil && !x.body.ended.Load() {
		_ = x.control.SetReadDeadline(past)
	}
}
