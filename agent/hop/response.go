package hop

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// copySize is the size of the buffers through which bodies pass.
const copySize = 32 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// forward passes the response on.
func (x *exchange) forward(a *attempt) {
	response := a.response
	if response.StatusCode == http.StatusSwitchingProtocols {
		x.upgrade(a)
		return
	}
	announced := len(response.Trailer)
	x.copyHeader(response)
	x.closeUnlessRead()
	if !x.countdown.answer() {
		x.server.counts.timeouts.Add(1)
		x.refuse(http.StatusGatewayTimeout)
		return
	}
	x.w.WriteHeader(response.StatusCode)
	if err := x.copyBody(response); err != nil {
		x.breakOff(a, err)
	}
	x.copyTrailer(response, announced)
	x.wakeBody()
}

// breakOff ends the connection, so that what was sent is not taken for all.
func (x *exchange) breakOff(a *attempt, err error) {
	if x.late() || !x.gone() {
		x.server.counts.brokenOff.Add(1)
		x.server.warn("response broken off", "rule", x.rule.id, "endpoint", a.endpoint.host, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// changeResponse does to the response's headers what the backend's filters and the
// authorization server say.
func (x *exchange) changeResponse(h http.Header) {
	change(h, x.backend.responseHeaders)
	for _, o := range x.added {
		o.apply(h, appendOrAdd)
	}
}

func (x *exchange) copyHeader(response *http.Response) {
	removeConnectionHeaders(response.Header)
	x.changeResponse(response.Header)
	h := x.w.Header()
	maps.Copy(h, response.Header)
	if len(response.Trailer) > 0 {
		h["Trailer"] = []string{strings.Join(slices.Sorted(maps.Keys(response.Trailer)), ", ")}
	}
	for _, name := range []string{"Date", "Content-Type"} {
		if _, ok := h[name]; !ok {
			// Else net/http would make one up.
			h[name] = nil
		}
	}
}

// copyBody passes on what comes, as it comes.
func (x *exchange) copyBody(response *http.Response) error {
	if response.ContentLength < 0 {
		// The first event may be long in coming.
		if err := x.control.Flush(); err != nil {
			return err
		}
	}
	buffer := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buffer)
	for left := response.ContentLength; ; {
		n, err := response.Body.Read(buffer[:])
		if n > 0 {
			left -= int64(n)
			if _, err := x.w.Write(buffer[:n]); err != nil {
				return err
			}
			// The end is flushed by the server, together with what is before.
			if left != 0 {
				if err := x.control.Flush(); err != nil {
					return err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// copyTrailer passes on the trailers that were announced, and those that were
// not.
func (x *exchange) copyTrailer(response *http.Response, announced int) {
	if len(response.Trailer) == 0 {
		return
	}
	// With chunks there is room for trailers; a short response might else get a
	// Content-Length.
	_ = x.control.Flush()
	prefix := ""
	if len(response.Trailer) != announced {
		prefix = http.TrailerPrefix
	}
	h := x.w.Header()
	for name, values := range response.Trailer {
		for _, value := range values {
			h.Add(prefix+name, value)
		}
	}
}
