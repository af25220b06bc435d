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
	exact, pattern, ok := originKey("", scheme, "*.host", port)
	if !ok {
		return exact, nil, false
	}
	pattern.s = strings.Replace(pattern.s, anyLabels+"host", anyHost, 1)
	return exact, pattern, true
}

// anyHost is the expression for hosts as browsers write them, anyLabels for what
// stands before a parent domain. What they print as is what they are.
const (
	anyHost   = `(?:[0-9a-z_.-]+|[[][0-9a-f:]+])`
	anyLabels = `(?:[0-9a-z_-]+[.])+`
)

func originKey(before, scheme, host string, port uint16) (exact MapText, subdomains *Regex, ok bool) {
	if scheme != "http" && scheme != "https" {
		return MapText{}, nil, false
	}
	end := ""
	if port != 0 {
		end = ":" + strconv.Itoa(int(port))
	}
	start := before + scheme + "://"
	if inner, isIPv6 := strings.CutPrefix(host, "["); isIPv6 {
		inner, isIPv6 = strings.CutSuffix(inner, "]")
		return newMapText(start + host + end), nil, isIPv6 && all(inner, isAddressByte)
	}
	if _, ok := NewHost(host); !ok {
		return MapText{}, nil, false
	}
	if parent, wildcard := strings.CutPrefix(host, "*."); wildcard {
		pattern, ok := ownPattern("~*^" + start + anyLabels + regexp.QuoteMeta(parent+end) + `\z`)
		return MapText{}, &pattern, ok
	}
	return newMapText(start + host + end), nil, true
}

// newMapText takes text that begins with a letter, and so with no sign that has
// a meaning in a map.
func newMapText(s string) MapText { return MapText{quoted{`"` + s + `"`}} }

func isAddressByte(c byte) bool { return isAlphanumeric(c) || c == ':' || c == '.' }
