package hop

import (
	"net/http"
	"net/textproto"
	"strings"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// connectionHeaders belong to one connection (RFC 9110, 7.6.1).
var connectionHeaders = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// removeConnectionHeaders leaves what is for the other end.
func removeConnectionHeaders(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range connectionHeaders {
		delete(h, name)
	}
}

// hasToken tells whether a header that is a list has the word.
func hasToken(h http.Header, name, word string) bool {
	for _, line := range h[name] {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(token), word) {
				return true
			}
		}
	}
	return false
}

// upgradeOf returns the protocol that a message switches to.
func upgradeOf(h http.Header) string {
	if !hasToken(h, "Connection", "upgrade") {
		return ""
	}
	return h.Get("Upgrade")
}

// outgoingHeader is what a backend gets of the request's headers, and of those
// that an authorization server granted.
func (x *exchange) outgoingHeader(b *backend, granted grant) http.Header {
	h := x.r.Header.Clone()
	upgrade, trailers := upgradeOf(h), hasToken(h, "Te", "trailers")
	removeConnectionHeaders(h)
	h.Del(bundle.HopHeader)
	if granted != nil {
		granted(h)
	}
	if trailers {
		h.Set("Te", "trailers")
	}
	if upgrade != "" && !b.plainHTTP2 {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", upgrade)
	}
	change(h, b.requestHeaders)
	if _, ok := h["User-Agent"]; !ok {
		// Else net/http would name itself.
		h["User-Agent"] = []string{""}
	}
	return h
}

// change applies the changes in their order.
func change(h http.Header, changes []bundle.HopHeaderChange) {
	for _, c := range changes {
		switch c.Action {
		case bundle.HopHeaderSet:
			h.Set(c.Name, c.Value)
		case bundle.HopHeaderAdd:
			h.Add(c.Name, c.Value)
		case bundle.HopHeaderRemove:
			h.Del(c.Name)
		}
	}
}
