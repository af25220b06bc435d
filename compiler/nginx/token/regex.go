package token

import (
	"regexp"
	"strings"
)

// Regex is a regular expression (PCRE2) in quotes. nginx expands no variables
// in one, and a dollar sign has its usual meaning.
type Regex struct{ quoted }

// namedGroup finds the ways to name a group. nginx makes a variable of every
// named group, so a user's would set variables of ours or of nginx's ($args).
// It looks at no escapes, so that none can fool it: `\(?<a>` is refused too.
var namedGroup = regexp.MustCompile(`\(\?(P?<[^=!]|')`)

// PathPattern matches a decoded path from its start with a user's expression.
// It refuses named groups.
func PathPattern(expression string) (Regex, bool) {
	return userPattern("^(?:", expression, ")")
}

// ValuePattern matches a whole header with a user's expression; an absent or
// empty header never matches. It refuses named groups.
func ValuePattern(expression string) (Regex, bool) {
	return userPattern(`^(?!\z)(?:`, expression, `)\z`)
}

// QueryValuePattern is ValuePattern for a QueryParameter, whose content begins
// with an equals sign where the parameter is present.
func QueryValuePattern(expression string) (Regex, bool) {
	return userPattern(`^=(?:`, expression, `)\z`)
}

func userPattern(before, expression, after string) (Regex, bool) {
	if expression == "" || namedGroup.MatchString(expression) {
		return Regex{}, false
	}
	q, ok := quote(before + expression + after)
	return Regex{quoted{q}}, ok
}

// AnyPattern matches everything.
func AnyPattern() Regex { return Regex{quoted{`"^"`}} }

// PrefixPattern matches decoded paths that have the prefix ("" for all), by
// whole segments.
func PrefixPattern(prefix string) (Regex, bool) {
	return ownPattern("^" + regexp.QuoteMeta(DecodePath(prefix)) + `(?:/|\z)`)
}

// ExactPattern matches one decoded path.
func ExactPattern(path string) (Regex, bool) {
	return ownPattern("^" + regexp.QuoteMeta(DecodePath(path)) + `\z`)
}

// RestPattern matches decoded paths that have the prefix, and puts what
// follows into Rest, without its slash if slash says so.
func RestPattern(prefix string, slash bool) (Regex, bool) {
	return ownPattern("(?s)^" + regexp.QuoteMeta(DecodePath(prefix)) + optionalSlash(slash) + `(?<gw_rest>.*)\z`)
}

// RawRestPattern is RestPattern for RequestURI: the path as the client encoded
// it, up to the query. Rest stays encoded.
func RawRestPattern(prefix string, slash bool) (Regex, bool) {
	return ownPattern("^" + pathEncoding.pattern(DecodePath(prefix)) + optionalSlash(slash) + `(?<gw_rest>[^?#]*)`)
}

func optionalSlash(slash bool) string {
	if slash {
		return "/?"
	}
	return ""
}

// QueryPattern is the map key that finds the first parameter of that name in
// Args and puts its value, after an equals sign, into gw_value. Names are
// compared exactly, but for percent-encoding; nginx's own $arg_name would
// ignore case.
func QueryPattern(name string) (Regex, bool) {
	n := queryEncoding.pattern(name)
	return ownPattern(`~^(?:(?!` + n + `(?:[=&]|\z))[^&]*&)*+` + n + `(?<gw_value>=[^&]*)`)
}

// QueryValue is the expression for a QueryParameter of exactly that value,
// however the client encoded it. Plain says that the value has but one
// encoding, so that comparing it with "=" and the value says the same.
func QueryValue(value string) (pattern Regex, plain, ok bool) {
	pattern, ok = ownPattern(`^=` + queryEncoding.pattern(value) + `\z`)
	return pattern, all(value, isUnreserved), ok
}

func ownPattern(pattern string) (Regex, bool) {
	q, ok := quote(pattern)
	return Regex{quoted{q}}, ok
}

// encoding is how clients write text into a part of a URI.
type encoding struct {
	// raw bytes are never percent-encoded, besides letters, digits and -._~
	// (RFC 3986, 2.3).
	raw string
	// space is the expression for a space.
	space string
}

var (
	pathEncoding  = encoding{raw: "/", space: "%20"}
	queryEncoding = encoding{space: `(?:\+|%20)`}
)

// pattern matches the text, percent-encoded or not.
func (e encoding) pattern(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case isUnreserved(c) || strings.IndexByte(e.raw, c) >= 0:
			b.WriteString(regexp.QuoteMeta(string(rune(c))))
		case c == ' ':
			b.WriteString(e.space)
		case c > ' ' && c < 0x7f && strings.IndexByte(`%&#?+`, c) < 0:
			b.WriteString("(?:" + regexp.QuoteMeta(string(rune(c))) + "|" + encodedByte(c) + ")")
		default:
			b.WriteString(encodedByte(c))
		}
	}
	return b.String()
}

func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~", c) >= 0
}

// encodedByte matches %XX in either case.
func encodedByte(c byte) string {
	var b strings.Builder
	b.WriteByte('%')
	for _, digit := range hexByte(c) {
		if digit >= 'a' {
			b.WriteString("[" + string(digit) + strings.ToUpper(string(digit)) + "]")
			continue
		}
		b.WriteRune(digit)
	}
	return b.String()
}
