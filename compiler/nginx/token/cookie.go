package token

import "strings"

// CookiePath is the path of a cookie (RFC 6265, section 4.1.2.4).
type CookiePath struct{ text }

// NewCookiePath prints a path of letters, digits and . _ - ~ / as it is. It
// refuses anything else: neither nginx nor browsers expand or decode it.
func NewCookiePath(path string) (CookiePath, bool) {
	if !strings.HasPrefix(path, "/") || len(path) > maxLength || !all(path, func(c byte) bool { return isNameByte(c) || c == '~' }) {
		return CookiePath{}, false
	}
	return CookiePath{text{path}}, true
}
