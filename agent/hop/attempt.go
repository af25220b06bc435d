package hop

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// maxConnects is how many endpoints are tried to be connected to in one
// attempt (nginx's proxy_next_upstream_tries in our templates).
const maxConnects = 3

// attempt is one way to answer a request: a status of the hop's own, a
// response, or an error.
type attempt struct {
	endpoint endpoint
	status   int
	response *http.Response
	err      error
	// connected says that there was a connection, so that the request may have
	// been sent.
	connected atomic.Bool

	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// discard ends the attempt, whatever has become of it.
func (a *attempt) discard() {
	if a.timer != nil {
		a.timer.Stop()
	}
	if a.cancel != nil {
		a.cancel(errAttemptOver)
	}
	if a.response != nil {
		_ = a.response.Body.Close()
	}
}

// attempt sends the request once, to the first endpoint that can be connected
// to. If another attempt may follow, the rest of a body is waited for even when
// the backend's time is up: it is needed then.
func (x *exchange) attempt(another bool) *attempt {
	a := &attempt{}
	e := x.backend.upstream.pick(x.tried)
	if e.status != 0 {
		a.status = e.status
		return a
	}
	ctx := x.ctx
	// Without a timeout of its own the attempt ends with its response's body.
	if d := x.rule.backendTimeout; d > 0 {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		a.cancel = cancel
		a.timer = time.AfterFunc(d, func() {
			cancel(errBackendTime)
			if !another {
				x.wakeBody()
			}
		})
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { a.connected.Store(true) },
	})
	for connects := 1; ; connects++ {
		a.endpoint = e
		x.send(ctx, a)
		if a.err == nil || a.connected.Load() || x.r.Context().Err() != nil {
			return a
		}
		x.server.failures.add(e.address)
		if connects == maxConnects || ctx.Err() != nil {
			return a
		}
		other, ok := x.backend.upstream.pickOther(x.tried)
		if !ok || other.status != 0 {
			return a
		}
		e = other
		x.server.counts.reconnects.Add(1)
	}
}

func (x *exchange) send(ctx context.Context, a *attempt) {
	x.tried = append(x.tried, a.endpoint.address)
	a.response, a.err = x.backend.transport.RoundTrip(x.outgoing(ctx, a.endpoint))
	if a.err != nil && ctx.Err() != nil {
		a.err = context.Cause(ctx)
	}
}

// outgoing is the request as the endpoint gets it.
func (x *exchange) outgoing(ctx context.Context, e endpoint) *http.Request {
	out := (&http.Request{
		Method: x.r.Method,
		URL:    x.target(e),
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  x.header,
		Host:    x.r.Host,
		Trailer: x.r.Trailer,
	}).WithContext(ctx)
	if r := x.backend.rewrite; r != nil && r.Hostname != "" {
		out.Host = r.Hostname
	}
	if x.body != nil {
		out.ContentLength = x.r.ContentLength
		out.Body = x.body.reader()
		if x.rule.retries > 0 {
			// For a connection that turns out to be stale.
			out.GetBody = func() (io.ReadCloser, error) {
				if !x.body.again() {
					return nil, errAttemptOver
				}
				return x.body.reader(), nil
			}
		}
	}
	return out
}

// target is the URL at the endpoint, with the path and query as nginx sent
// them, byte by byte where net/http allows it.
func (x *exchange) target(e endpoint) *url.URL {
	path, query, asked := strings.Cut(x.r.RequestURI, "?")
	if r := x.backend.rewrite; r != nil && r.Path != nil {
		path = rewritePath(path, r.Path)
	}
	u := &url.URL{Scheme: x.backend.scheme, Host: e.host, RawQuery: query, ForceQuery: asked && query == ""}
	switch {
	case strings.HasPrefix(path, "//"):
		// As an Opaque it would be taken for an authority.
		u.RawPath = path
		var err error
		if u.Path, err = url.PathUnescape(path); err != nil {
			u.Path = path
		}
	case strings.HasPrefix(path, "/") || path == "*":
		u.Opaque = path
	default:
		u.Path = x.r.URL.Path
	}
	return u
}
