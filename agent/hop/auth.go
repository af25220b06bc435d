package hop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// auth is a bundle.HopAuth or a bundle.HopGRPCAuth, ready for use.
type auth struct {
	server *backend
	// call says that the server speaks Envoy's protocol (ext_authz), not HTTP.
	call    bool
	timeout time.Duration
	// request are the canonical names of headers that the server gets besides
	// those that it always gets. Of a call they are all names, in lower case, and
	// none stands for all.
	request []string
	// response are the canonical names of headers that the server writes into
	// the request; nil stands for all.
	response []string
	// maxBody is how much of a body the server gets; 0 for none of it.
	maxBody int64
}

// alwaysAsked is the header that the server gets whatever the rule says. The
// others (Host, method, path, Content-Length) are no headers to Go.
const alwaysAsked = "Authorization"

func newAuth(source *bundle.HopAuth, server *backend) *auth {
	a := &auth{
		server: server, timeout: time.Duration(source.TimeoutMillis) * time.Millisecond,
		request: canonical(source.RequestHeaders), response: canonical(source.ResponseHeaders), maxBody: source.MaxBodyBytes,
	}
	a.request = append(a.request, alwaysAsked)
	return a
}

func canonical(names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, http.CanonicalHeaderKey(name))
	}
	return out
}

func checkAuth(a *bundle.HopAuth) error {
	if err := checkAuthBounds(a.TimeoutMillis, a.MaxBodyBytes); err != nil {
		return err
	}
	for _, name := range slices.Concat(a.RequestHeaders, a.ResponseHeaders) {
		if !fieldName.MatchString(name) || slices.Contains(framing, strings.ToLower(name)) {
			return fmt.Errorf("header %q cannot be passed on", name)
		}
	}
	return nil
}

func checkAuthBounds(timeoutMillis, maxBodyBytes int64) error {
	if timeoutMillis <= 0 {
		return errors.New("the authorization server has no time to answer")
	}
	if maxBodyBytes < 0 || maxBodyBytes > maxAuthBody {
		return fmt.Errorf("%d bytes of a body are not within 0 to %d", maxBodyBytes, maxAuthBody)
	}
	return nil
}

// maxAuthBody is the largest HTTPExternalAuthFilter.forwardBody.maxSize.
const maxAuthBody = 65535

// grant writes what an authorization server said into the headers for the backend.
type grant func(http.Header)

// authorize asks the rule's authorization server. Without its yes the client
// gets what the server said, or an error, and authorize returns false.
func (x *exchange) authorize() (grant, bool) {
	a := x.rule.auth
	text, ok := x.readForAuth(a.maxBody)
	if !ok {
		return nil, false
	}
	if a.call {
		return x.authorizeByCall(text)
	}
	asked := x.asking(text)
	attempt := asked.attempt(false)
	response := attempt.response
	switch {
	case attempt.status == 0 && attempt.err == nil && response.StatusCode == http.StatusOK:
		defer attempt.discard()
		// What little there is to read keeps the connection usable.
		_, _ = io.CopyN(io.Discard, response.Body, maxAuthBody)
		return func(h http.Header) { a.grant(h, response.Header) }, true
	case attempt.err == nil && response != nil && response.StatusCode < http.StatusOK:
		// It would switch protocols.
		attempt.discard()
		attempt.response, attempt.err = nil, errNoVerdict
	}
	x.server.counts.denied.Add(1)
	// The response is the server's: the backend's changes are not for it.
	x.backend = a.server
	x.finish(attempt)
	return nil, false
}

var errNoVerdict = errors.New("the authorization server gives no verdict")

// asking is the exchange with the authorization server.
func (x *exchange) asking(text []byte) *exchange {
	a := x.rule.auth
	r := &http.Request{
		Method: x.r.Method, Host: x.r.Host, RequestURI: x.r.RequestURI, URL: x.r.URL,
		ContentLength: int64(len(text)),
	}
	asked := &exchange{
		server: x.server, backend: a.server, w: x.w, r: r.WithContext(x.r.Context()), control: x.control, ctx: x.ctx,
		// A request that says the same can be sent again over another connection.
		rule:   &rule{id: x.rule.id, backendTimeout: a.timeout, retries: 1},
		header: x.headerForAuth(len(text)),
	}
	if len(text) > 0 {
		asked.body = &body{source: bytes.NewReader(text), keep: true}
		asked.body.ended.Store(true)
	}
	return asked
}

func (x *exchange) headerForAuth(length int) http.Header {
	all := x.r.Header.Clone()
	removeConnectionHeaders(all)
	h := http.Header{"User-Agent": {""}}
	for _, name := range x.rule.auth.request {
		if values, ok := all[name]; ok {
			h[name] = values
		}
	}
	// It is read before it is sent.
	h.Del("Expect")
	if length == 0 && !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, x.r.Method) {
		// For other methods net/http leaves a length of 0 out, and what is
		// written its own way it sends.
		h["content-length"] = []string{"0"}
	}
	return h
}

// readForAuth reads the request's body, which the backend gets afterwards. One
// that is too long is answered with 413: a verdict on its beginning would let
// the rest in unseen.
func (x *exchange) readForAuth(limit int64) ([]byte, bool) {
	if limit == 0 || x.body == nil {
		return nil, true
	}
	if x.r.ContentLength > limit {
		x.refuseTooLong()
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(x.body.source, limit+1))
	switch {
	case err != nil && x.late():
		x.finish(&attempt{err: errRequestTime})
		return nil, false
	case err != nil:
		// The client has not sent all of it.
		panic(http.ErrAbortHandler)
	case int64(len(text)) > limit:
		x.refuseTooLong()
		return nil, false
	}
	x.body.source = bytes.NewReader(text)
	x.body.ended.Store(true)
	return text, true
}

// tooLongTime is how long nginx may take to read the answer to a body that is
// too long, and to hang up.
const tooLongTime = 2 * time.Second

// refuseTooLong answers with 413, and reads on until nginx has seen the answer:
// a connection that is closed while nginx writes is a failure to nginx, and the
// answer is lost.
func (x *exchange) refuseTooLong() {
	x.countdown.stop()
	clear(x.w.Header())
	x.closeUnlessRead()
	answer(x.w, http.StatusRequestEntityTooLarge)
	if x.control.Flush() != nil || x.control.SetReadDeadline(time.Now().Add(tooLongTime)) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, x.body.source)
	x.wakeBody()
}

// grant writes what the authorization server said into the headers for the
// backend. A header that it may write has nothing that the client wrote.
func (a *auth) grant(h, said http.Header) {
	removeConnectionHeaders(said)
	names := a.response
	if names == nil {
		for name := range said {
			if !slices.Contains(framing, strings.ToLower(name)) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		delete(h, name)
		if values := said[name]; len(values) > 0 {
			h[name] = values
		}
	}
}
