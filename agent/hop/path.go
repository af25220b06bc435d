package hop

import (
	"net/url"
	"strings"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// rewritePath returns the encoded path with its prefix, or all of it, replaced.
// What follows the prefix stays as it was encoded.
func rewritePath(encoded string, p *bundle.HopPath) string {
	if p.Prefix == "" {
		return p.Value
	}
	prefix := strings.TrimRight(p.Prefix, "/")
	if dotted(encoded) {
		// Else they could lead out of the replacement.
		encoded = normal(encoded)
	}
	rest, ok := cutPrefix(encoded, prefix)
	if !ok {
		rest, ok = cutPrefix(normal(encoded), prefix)
	}
	if !ok {
		// nginx sent what the rule does not match: nothing is known of the rest.
		return p.Value
	}
	value := strings.TrimRight(p.Value, "/")
	if rest == "" && value == "" {
		return "/"
	}
	if rest == "" {
		// As it was written: with a slash at the end, or without.
		return p.Value
	}
	return value + rest
}

// cutPrefix returns what follows the decoded prefix in the encoded path; that
// is empty or begins with a slash.
func cutPrefix(encoded, prefix string) (string, bool) {
	rest := encoded
	for i := range len(prefix) {
		if rest == "" {
			return "", false
		}
		have, size := rest[0], 1
		if have == '%' && len(rest) >= 3 {
			if text, err := url.PathUnescape(rest[:3]); err == nil {
				have, size = text[0], 3
			}
		}
		if have != prefix[i] {
			return "", false
		}
		rest = rest[size:]
	}
	return rest, rest == "" || rest[0] == '/'
}

// dotted tells whether the path has dot segments, encoded or not.
func dotted(encoded string) bool {
	if !strings.Contains(encoded, ".") && !strings.Contains(encoded, "%") {
		return false
	}
	decoded, err := url.PathUnescape(encoded)
	if err != nil {
		return false
	}
	for segment := range strings.SplitSeq(decoded, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// normal is the path as nginx matched it, without dot segments (RFC 3986,
// 5.2.4), encoded again.
func normal(encoded string) string {
	decoded, err := url.PathUnescape(encoded)
	if err != nil {
		return encoded
	}
	segments := strings.Split(strings.TrimPrefix(decoded, "/"), "/")
	var out []string
	for i, segment := range segments {
		switch segment {
		case "..":
			out = out[:max(0, len(out)-1)]
		case ".":
		default:
			out = append(out, segment)
			continue
		}
		if i == len(segments)-1 {
			out = append(out, "")
		}
	}
	return (&url.URL{Path: "/" + strings.Join(out, "/")}).EscapedPath()
}
