package token

import (
	"regexp"
	"strconv"
	"strings"
)

// MapText is a key of a map that is compared with the whole source, ignoring
// case.
type MapText struct{ quoted }

// WebSocketOrigin returns the key of a map over Upgrade, a space, and the header
// Origin, for requests for a websocket from that web site. Where the host has a
// leading wildcard label, it is an expression for all its subdomains. It
// refuses what is no scheme of HTTP and no host.
func WebSocketOrigin(scheme, host string, port uint16) (exact MapText, subdomains *Regex, ok bool) {
	return originKey("websocket ", scheme, host, port)
}

// Origin is WebSocketOrigin for a map over the header Origin alone. A host of
// "*" is any.
func Origin(scheme, host string, port uint16) (exact MapText, several *Regex, ok bool) {
	if host != "*" {
		return originKey("", scheme, host, port)
	}
	const anyHost = `(?:[0-9a-z_.-]+|\[[0-9a-f:.]+\])`
	start, end, ok := aroundHost("", scheme, port)
	if !ok {
		return MapText{}, nil, false
	}
	pattern, ok := ownPattern("~*^" + start + anyHost + regexp.QuoteMeta(end) + `\z`)
	return MapText{}, &pattern, ok
}

// aroundHost returns what stands before and after the host of a key.
func aroundHost(before, scheme string, port uint16) (start, end string, ok bool) {
	if port != 0 {
		end = ":" + strconv.Itoa(int(port))
	}
	return before + scheme + "://", end, scheme == "http" || scheme == "https"
}

func originKey(before, scheme, host string, port uint16) (exact MapText, subdomains *Regex, ok bool) {
	start, end, ok := aroundHost(before, scheme, port)
	if !ok {
		return MapText{}, nil, false
	}
	if inner, isIPv6 := strings.CutPrefix(host, "["); isIPv6 {
		inner, isIPv6 = strings.CutSuffix(inner, "]")
		return newMapText(start + host + end), nil, isIPv6 && all(inner, isAddressByte)
	}
	if _, ok := NewHost(host); !ok {
		return MapText{}, nil, false
	}
	if parent, wildcard := strings.CutPrefix(host, "*."); wildcard {
		pattern, ok := ownPattern("~*^" + start + `(?:[0-9a-z_-]+\.)+` + regexp.QuoteMeta(parent+end) + `\z`)
		return MapText{}, &pattern, ok
	}
	return newMapText(start + host + end), nil, true
}

// newMapText takes text that begins with a letter, and so with no sign that has
// a meaning in a map.
func newMapText(s string) MapText { return MapText{quoted{`"` + s + `"`}} }

func isAddressByte(c byte) bool { return isAlphanumeric(c) || c == ':' || c == '.' }
