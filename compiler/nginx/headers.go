package nginx

import (
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

const hostHeader = "Host"

// reservedHeaders decide how a message is framed, where it goes and what
// becomes of its connection; routes do not change them. A route's Host is
// changed by its URLRewrite filter.
var reservedHeaders = []string{
	"connection", "content-length", "host", "http2-settings", "keep-alive",
	"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

// requestHeaders are the headers that proxied requests get, besides the
// client's own.
type requestHeaders struct {
	order  []token.Header
	values map[string][]token.Value
	// refused says that a change was not possible.
	refused bool
}

// commonHeaders are those that every proxied request gets. What clients claim
// about the way here is replaced: the Gateway is the edge.
func (c *compilation) commonHeaders() *requestHeaders {
	port := token.ServerPort
	if c.sharesPorts {
		port = token.ListenerPort
	}
	h := &requestHeaders{values: map[string][]token.Value{}}
	h.set(hostHeader, token.Of(token.RequestHost), token.Of(token.IsRequestPort), token.Of(token.RequestPort))
	h.set("Connection", token.Of(token.Connection))
	h.set("Upgrade", token.Of(token.Upgrade))
	h.set("X-Forwarded-For", token.Of(token.RemoteAddr))
	h.set("X-Forwarded-Host", token.Of(token.RequestHost), token.Of(token.IsRequestPort), token.Of(token.RequestPort))
	h.set("X-Forwarded-Port", token.Of(port))
	h.set("X-Forwarded-Proto", token.Of(token.Scheme))
	h.set("X-Real-IP", token.Of(token.RemoteAddr))
	return h
}

// set replaces the header; no parts remove it.
func (h *requestHeaders) set(name string, parts ...token.Part) {
	value, ok := token.NewValue(parts...)
	h.put(name, ok, value)
}

func (h *requestHeaders) put(name string, ok bool, values ...token.Value) {
	header, okName := token.NewHeader(name)
	if !ok || !okName {
		h.refused = true
		return
	}
	key := strings.ToLower(name)
	if _, known := h.values[key]; !known {
		h.order = append(h.order, header)
	}
	h.values[key] = values
}

// change applies one action of a header filter.
func (h *requestHeaders) change(c graph.HeaderChange) {
	if slices.Contains(reservedHeaders, strings.ToLower(c.Name)) {
		h.refused = true
		return
	}
	switch c.Action {
	case graph.HeaderSet:
		h.set(c.Name, token.Text(c.Value))
	case graph.HeaderRemove:
		h.set(c.Name)
	case graph.HeaderAdd:
		// A line of its own, after the client's; nginx sends no empty ones.
		own, ok := token.RequestHeader(c.Name)
		values := h.values[strings.ToLower(c.Name)]
		if len(values) == 0 && ok {
			values = []token.Value{*joined(token.Of(own))}
		}
		added, okValue := token.NewValue(token.Text(c.Value))
		h.put(c.Name, ok && okValue, append(slices.Clone(values), added)...)
	}
}

// list returns the lines.
func (h *requestHeaders) list() []header {
	var lines []header
	for _, name := range h.order {
		for _, value := range h.values[strings.ToLower(name.String())] {
			lines = append(lines, header{Name: name, Value: value})
		}
	}
	return lines
}

// responseChange is what happens to the headers of a response.
type responseChange struct {
	// hide are dropped from the backend's answer.
	hide []token.Header
	// add are added to every answer.
	add []header
}

func responseHeaders(changes []graph.HeaderChange) (responseChange, bool) {
	var out responseChange
	for _, c := range changes {
		name, ok := token.NewHeader(c.Name)
		if !ok || slices.Contains(reservedHeaders, strings.ToLower(c.Name)) {
			return responseChange{}, false
		}
		if c.Action != graph.HeaderAdd {
			out.hide = append(out.hide, name)
		}
		if c.Action != graph.HeaderRemove {
			value, ok := token.NewValue(token.Text(c.Value))
			if !ok {
				return responseChange{}, false
			}
			out.add = append(out.add, header{Name: name, Value: value})
		}
	}
	return out, true
}
