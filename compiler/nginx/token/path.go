package token

import "strings"

// Path is the path of a location.
type Path struct{ quoted }

// NewPath prints a decoded path: a location is compared with the decoded path
// of the request ($uri). It refuses control characters: nginx answers 400 to a
// null byte, and no path that anyone serves has the others.
func NewPath(path string) (Path, bool) {
	plain := strings.HasPrefix(path, "/") && len(path) <= maxLength && all(path, isNameByte)
	if plain {
		return Path{quoted{path}}, true
	}
	q, ok := quote(path)
	return Path{quoted{q}}, ok
}

// DecodePath decodes percent-encoded bytes; a lone percent sign stays.
func DecodePath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			high, low := fromHex(path[i+1]), fromHex(path[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// PathText is a part that stands for a path in a URI, encoded.
func PathText(path string) Part {
	part := Text(EncodePath(path))
	part.ok = part.ok && !hasControl(path)
	return part
}

// EncodePath returns the path as it can be in a URI: what a path cannot hold as
// it is gets percent-encoded, and what is encoded stays.
func EncodePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if isAlphanumeric(c) || strings.IndexByte("-._~!$&'()*+,;=:@/%", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(hexByte(c)))
	}
	return b.String()
}

func fromHex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
