package token

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxLength of a printed token. nginx refuses parameters that fill its buffer
// of 4096 bytes (NGX_CONF_BUFFER); the margin is for what a template puts
// around a token.
const maxLength = 4000

// Token is a printed piece of configuration. Its types are structs that only
// this package can fill, so nothing but the printer makes one.
type Token interface {
	String() string
	printed()
}

// text is what all tokens are inside.
type text struct{ s string }

func (t text) String() string { return t.s }
func (text) printed()         {}

// quoted is a token in double quotes; its zero value is the empty string.
type quoted struct{ s string }

func (q quoted) String() string {
	if q.s == "" {
		return `""`
	}
	return q.s
}

func (quoted) printed() {}

// Int is a number.
type Int struct{ text }

// NewInt prints a number.
func NewInt[N int | int32 | int64 | uint16](n N) Int {
	return Int{text{strconv.FormatInt(int64(n), 10)}}
}

// Size is a number of bytes.
type Size struct{ text }

// NewSize prints a number of bytes, in mebibytes or kibibytes where that is
// exact.
func NewSize(bytes int) Size {
	switch {
	case bytes > 0 && bytes%(1<<20) == 0:
		return Size{text{strconv.Itoa(bytes>>20) + "m"}}
	case bytes > 0 && bytes%(1<<10) == 0:
		return Size{text{strconv.Itoa(bytes>>10) + "k"}}
	}
	return Size{text{strconv.Itoa(max(bytes, 0))}}
}

// Duration is a time.
type Duration struct{ text }

// NewDuration prints a time, in the coarsest unit that is exact. nginx counts
// in milliseconds and its timers hold at most 2^31 of them, so longer times
// are cut to 24 days, and times below a millisecond become one.
func NewDuration(d time.Duration) Duration {
	d = min(max(d, time.Millisecond), 24*24*time.Hour)
	for _, unit := range []struct {
		length time.Duration
		suffix string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d%unit.length == 0 {
			return Duration{text{strconv.FormatInt(int64(d/unit.length), 10) + unit.suffix}}
		}
	}
	return Duration{text{strconv.FormatInt(d.Milliseconds(), 10) + "ms"}}
}

// Name is a bare word: the name of an upstream or of a named location, or the
// path of a file of ours.
type Name struct{ text }

// NewName prints a word of letters, digits and . _ - / as it is. It refuses
// anything else, and the empty word.
func NewName(s string) (Name, bool) {
	if s == "" || len(s) > maxLength || !all(s, isNameByte) {
		return Name{}, false
	}
	return Name{text{s}}, true
}

// Address is an address of the data-plane pod's loopback, with a port.
type Address struct{ text }

// NewAddress prints an address and a port.
func NewAddress(host Name, port Int) Address { return Address{text{host.s + ":" + port.s}} }

// Percent is a share.
type Percent struct{ text }

// NewPercent prints a number of hundredths of a percent.
func NewPercent(hundredths int32) Percent {
	return Percent{text{fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)}}
}

// Internal is the path of a location that no client can ask for: theirs begin
// with a slash.
type Internal struct{ text }

// NewInternal joins words as NewNamedLocation does.
func NewInternal(words ...string) Internal {
	return Internal{text{strings.TrimPrefix(NewNamedLocation(words...).s, "@")}}
}

// NamedLocation is the name of a named location, with its at sign.
type NamedLocation struct{ text }

// NewNamedLocation joins words with slashes. Bytes that a bare word cannot
// have are written as _ and two hexadecimal digits, so that different words
// stay different.
func NewNamedLocation(words ...string) NamedLocation {
	escaped := make([]string, len(words))
	for i, w := range words {
		var b strings.Builder
		for _, c := range []byte(w) {
			if isNameByte(c) && c != '_' && c != '/' {
				b.WriteByte(c)
				continue
			}
			b.WriteByte('_')
			b.WriteString(hexByte(c))
		}
		escaped[i] = b.String()
	}
	return NamedLocation{text{"@" + strings.Join(escaped, "/")}}
}

// Host is a server name: a host name, perhaps with a leading wildcard label.
type Host struct{ text }

// NewHost prints a host name. It refuses what is none, since nginx gives some
// server names a meaning of their own (regular expressions, a leading dot, a
// trailing wildcard).
func NewHost(s string) (Host, bool) {
	rest := strings.TrimPrefix(s, "*.")
	if rest == "" || len(s) > 253 || strings.HasPrefix(rest, ".") ||
		!all(rest, func(c byte) bool { return isAlphanumeric(c) || c == '.' || c == '-' }) {
		return Host{}, false
	}
	return Host{text{s}}, true
}

// MapHost is a host name as the key of a map.
type MapHost struct{ text }

// NewMapHost prints a host name for a map, in which some words have a meaning
// of their own unless a backslash stands before them.
func NewMapHost(h Host) MapHost {
	switch h.s {
	case "default", "hostnames", "include", "volatile":
		return MapHost{text{`\` + h.s}}
	}
	return MapHost(h)
}

// Header is the name of a header.
type Header struct{ text }

// NewHeader prints the name of a header that nginx can address: letters,
// digits, hyphen and underscore. RFC 9110 allows more, but nginx drops such
// headers (ignore_invalid_headers).
func NewHeader(s string) (Header, bool) {
	if s == "" || len(s) > 256 || !all(s, isHeaderByte) {
		return Header{}, false
	}
	return Header{text{s}}, true
}

func isHeaderByte(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' }

func isNameByte(c byte) bool {
	return isAlphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '/'
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func all(s string, holds func(byte) bool) bool {
	for i := range len(s) {
		if !holds(s[i]) {
			return false
		}
	}
	return true
}

func hexByte(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
