package hop

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

const (
	// checkMethod is the path of the call (envoy/service/auth/v3/external_auth.proto).
	checkMethod = "/envoy.service.auth.v3.Authorization/Check"
	// maxVerdict is how long an answer may be.
	maxVerdict = 256 << 10
	// messagePrefix is what is before a message: a flag and its length (gRPC over
	// HTTP2, "Length-Prefixed-Message").
	messagePrefix = 5
)

func newCallAuth(source *bundle.HopGRPCAuth, server *backend) *auth {
	return &auth{
		server: server, call: true, timeout: time.Duration(source.TimeoutMillis) * time.Millisecond,
		request: slices.Clone(source.RequestHeaders), maxBody: source.MaxBodyBytes,
	}
}

func checkCallAuth(a *bundle.HopGRPCAuth) error {
	if err := checkAuthBounds(a.TimeoutMillis, a.MaxBodyBytes); err != nil {
		return err
	}
	if !a.Server.HTTP2 {
		return errors.New("the authorization server is to be called without HTTP/2")
	}
	for _, name := range a.RequestHeaders {
		if !fieldName.MatchString(name) || name != strings.ToLower(name) {
			return fmt.Errorf("header %q cannot be passed on", name)
		}
	}
	return nil
}

// authorizeByCall asks by Envoy's protocol whether the request is let in.
func (x *exchange) authorizeByCall(text []byte) (grant, bool) {
	a := x.rule.auth
	ctx, cancel := context.WithTimeoutCause(x.ctx, a.timeout, errBackendTime)
	defer cancel()
	attempt := x.calling(ctx, text).attempt(false)
	var v *verdict
	if attempt.status == 0 && attempt.err == nil {
		v, attempt.err = readVerdict(attempt.response)
		if attempt.err != nil && ctx.Err() != nil {
			attempt.err = context.Cause(ctx)
		}
	}
	if v != nil && v.lets() {
		attempt.discard()
		x.r.RequestURI = v.ok.changeQuery(x.r.RequestURI)
		x.added = v.ok.response
		return v.ok.grant, true
	}
	x.server.counts.denied.Add(1)
	// The response is the server's: the backend's changes are not for it.
	x.backend = a.server
	if v == nil {
		x.finish(attempt)
		return nil, false
	}
	attempt.discard()
	x.deny(&v.denied)
	return nil, false
}

// calling is the exchange with the authorization server.
func (x *exchange) calling(ctx context.Context, text []byte) *exchange {
	a := x.rule.auth
	message := x.question(text).encode()
	call := make([]byte, messagePrefix, messagePrefix+len(message))
	binary.BigEndian.PutUint32(call[1:], uint32(len(message)))
	call = append(call, message...)
	r := &http.Request{
		Method: http.MethodPost, RequestURI: checkMethod, URL: &url.URL{Path: checkMethod}, ContentLength: int64(len(call)),
	}
	asked := &exchange{
		server: x.server, backend: a.server, w: x.w, r: r.WithContext(x.r.Context()), control: x.control, ctx: ctx,
		// A call that says the same can be made again over another connection.
		rule: &rule{id: x.rule.id, retries: 1},
		// Without a grpc-timeout: of two who count, the server could be the first to
		// hang up, which is no timeout to the hop. That it has hung up it learns.
		header: http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {""}},
		body:   &body{source: bytes.NewReader(call), keep: true},
	}
	asked.body.ended.Store(true)
	return asked
}

// question is what the server is told of the request. Of the client's address and
// scheme only nginx knows, and says so in headers, which no client writes.
func (x *exchange) question(text []byte) *question {
	q := &question{
		time: time.Now(), method: x.r.Method, path: x.asMatched(), host: x.r.Host, scheme: x.r.Header.Get("X-Forwarded-Proto"),
		headers: x.headersForCall(), size: x.r.ContentLength, body: text,
	}
	if len(text) > 0 {
		q.size = int64(len(text))
	}
	if source, err := netip.ParseAddr(x.r.Header.Get("X-Real-Ip")); err == nil {
		q.source = source.Unmap()
	}
	return q
}

// wholePath stays as it is, but for dot segments.
var wholePath = &bundle.HopPath{Prefix: "/", Value: "/"}

// asMatched is the path and query that the rule was chosen for, without what could
// lead out of it.
func (x *exchange) asMatched() string {
	path, query, asked := strings.Cut(x.r.RequestURI, "?")
	path = rewritePath(path, wholePath)
	if asked {
		path += "?" + query
	}
	return path
}

// headersForCall are the request's headers, by names in lower case. Several lines
// are one (RFC 9110, 5.3; RFC 9113, 8.2.3).
func (x *exchange) headersForCall() map[string]string {
	all := x.r.Header.Clone()
	removeConnectionHeaders(all)
	all.Del(bundle.HopHeader)
	all["Host"] = []string{x.r.Host}
	told := map[string]string{}
	allowed := x.rule.auth.request
	for name, values := range all {
		lower, separator := strings.ToLower(name), ", "
		if len(allowed) > 0 && !slices.Contains(allowed, lower) {
			continue
		}
		if lower == "cookie" {
			separator = "; "
		}
		told[lower] = strings.Join(values, separator)
	}
	return told
}

var (
	errNoCall      = errors.New("the authorization server does not answer as a gRPC server does")
	errLongVerdict = fmt.Errorf("the authorization server's answer has more than %d bytes", maxVerdict)
)

// readVerdict reads the answer to the call. Whatever is not all there, and as it
// has to be, is an error.
func readVerdict(response *http.Response) (*verdict, error) {
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK || !isGRPC(response.Header.Get("Content-Type")) {
		return nil, errNoCall
	}
	// Without messages, the status is among the headers ("Trailers-Only").
	if _, only := response.Header["Grpc-Status"]; only {
		return nil, callError(response.Header)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, messagePrefix+maxVerdict+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > messagePrefix+maxVerdict:
		return nil, errLongVerdict
	case !slices.Equal(response.Trailer["Grpc-Status"], []string{"0"}):
		return nil, callError(response.Trailer)
	case len(data) < messagePrefix || data[0] != 0 || uint64(binary.BigEndian.Uint32(data[1:])) != uint64(len(data)-messagePrefix):
		// Nothing was said about a compression, so there must be none.
		return nil, errNoCall
	}
	v, err := decodeVerdict(data[messagePrefix:])
	if err != nil {
		return nil, fmt.Errorf("the authorization server's answer: %w", err)
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	return v, nil
}

func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(contentType), "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// maxCallMessage is how much is logged of what a server says about a failure.
const maxCallMessage = 200

func callError(h http.Header) error {
	message := h.Get("Grpc-Message")
	return fmt.Errorf("the authorization server ends the call with status %q: %q", h.Get("Grpc-Status"), message[:min(len(message), maxCallMessage)])
}

// deny answers with what the authorization server has for the client.
func (x *exchange) deny(d *denial) {
	if !d.given {
		x.refuse(http.StatusForbidden)
		return
	}
	h := http.Header{}
	for _, o := range d.headers {
		if !slices.Contains(framing, strings.ToLower(o.name)) {
			o.applyToNothing(h)
		}
	}
	text := d.body
	if d.status == http.StatusNoContent || d.status == http.StatusNotModified {
		text = ""
	} else {
		h.Set("Content-Length", strconv.Itoa(len(text)))
	}
	if _, ok := h["Content-Type"]; !ok && text != "" {
		// As Envoy does. Else browsers would guess.
		h.Set("Content-Type", "text/plain")
	}
	x.finish(&attempt{response: &http.Response{
		StatusCode: d.status, Header: h, ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
	}})
}
