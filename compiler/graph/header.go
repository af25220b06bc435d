package graph

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// reservedHeaders decide how a message is framed, where it goes and what
// becomes of its connection, so filters do not change them.
var reservedHeaders = []string{
	"connection", "content-length", "host", "http2-settings", "keep-alive",
	"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

// headerReader reads one header filter.
type headerReader struct {
	*ruleReader
	// request says that the filter changes requests, not responses.
	request bool
	changes []HeaderChange
	// names in lower case with the field that has them.
	names map[string]string
}

// readHeaderFilter reads a header filter, in the order set, add, remove.
// Headers that ask for a websocket upgrade are left out and set
// Rule.WebSocket: nginx sends them for clients that ask for the upgrade.
func (r *ruleReader) readHeaderFilter(f *gatewayv1.HTTPHeaderFilter, field string, request bool) []HeaderChange {
	h := &headerReader{ruleReader: r, request: request, names: map[string]string{}}
	for _, list := range []struct {
		action  HeaderAction
		name    string
		headers []gatewayv1.HTTPHeader
	}{{HeaderSet, "set", f.Set}, {HeaderAdd, "add", f.Add}} {
		for i, header := range list.headers {
			h.read(HeaderChange{list.action, string(header.Name), header.Value}, fmt.Sprintf("%s.%s[%d]", field, list.name, i))
		}
	}
	for i, name := range f.Remove {
		h.read(HeaderChange{Action: HeaderRemove, Name: name}, fmt.Sprintf("%s.remove[%d]", field, i))
	}
	return h.changes
}

func (h *headerReader) read(c HeaderChange, field string) {
	name := strings.ToLower(c.Name)
	if first, twice := h.names[name]; twice {
		h.fault(diagnostic.DuplicateHeaderAction, field, fmt.Sprintf("header %q has an action already, at %s", c.Name, first),
			"one filter may do one thing to a header; separate several values by commas")
		return
	}
	h.names[name] = field
	switch {
	case h.request && isWebSocketHeader(c):
		h.rule.WebSocket = true
	case h.request && name == "upgrade" && c.Action != HeaderRemove:
		h.fault(diagnostic.UpgradeNotWebsocket, field, fmt.Sprintf("connections are upgraded to websocket and to nothing else, not to %q", c.Value),
			"write the value websocket")
	case slices.Contains(reservedHeaders, name):
		h.fault(diagnostic.ReservedHeader, field, fmt.Sprintf("header %q belongs to the connection and cannot be changed", c.Name), reservedFix(name))
	case !h.addressable(c):
		h.fault(diagnostic.UnaddressableHeader, field, fmt.Sprintf("nginx cannot address a header named %q", c.Name), "names have letters, digits and hyphens")
	default:
		if fault := textFault(c.Value); fault != "" {
			h.fault(diagnostic.InvalidText, field+".value", fault, "")
			return
		}
		h.changes = append(h.changes, c)
	}
}

// addressable says whether nginx can do the change. To add to a header it has
// to read the client's, where it does not tell underscores from hyphens.
func (h *headerReader) addressable(c HeaderChange) bool {
	if h.request && c.Action == HeaderAdd {
		return isHeaderName(c.Name)
	}
	return isHeaderName(strings.ReplaceAll(c.Name, "_", "-"))
}

func reservedFix(name string) string {
	if name == "host" {
		return "use a filter of type URLRewrite with urlRewrite.hostname"
	}
	return "leave it out"
}

// isWebSocketHeader recognises the headers with which people ask for websockets
// elsewhere: "Upgrade: websocket", and "Connection: upgrade", with or without
// keep-alive, which asks for nothing else here.
func isWebSocketHeader(c HeaderChange) bool {
	switch strings.ToLower(c.Name) {
	case "upgrade":
		return c.Action != HeaderRemove && strings.EqualFold(strings.TrimSpace(c.Value), "websocket")
	case "connection":
		return c.Action != HeaderRemove && asksForUpgrade(c.Value)
	}
	return false
}

// asksForUpgrade reads a Connection header: a list of words (RFC 9110, section
// 7.6.1).
func asksForUpgrade(connection string) bool {
	asks := false
	for word := range strings.SplitSeq(connection, ",") {
		switch strings.ToLower(strings.TrimSpace(word)) {
		case "upgrade":
			asks = true
		case "keep-alive":
		default:
			return false
		}
	}
	return asks
}
