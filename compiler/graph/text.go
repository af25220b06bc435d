package graph

import (
	"fmt"
	"regexp"
	"strings"
)

// maxText is the longest text that nginx holds in one string, with room for
// what is around it.
const maxText = 3900

// textFault says why text cannot go into a configuration; empty where it can.
// Control characters end lines and strings somewhere on the way, in nginx or in
// HTTP.
func textFault(s string) string {
	switch at := strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }); {
	case at >= 0:
		return fmt.Sprintf("%q has the control character %q", s, s[at:at+1])
	case printedLength(s) > maxText:
		return fmt.Sprintf("%d characters, with those that nginx needs escaped, are more than its configuration can hold", printedLength(s))
	}
	return ""
}

// encodedControl matches a percent-encoded control character.
var encodedControl = regexp.MustCompile(`%(?:[01][0-9A-Fa-f]|7[Ff])`)

// printedLength is at least the length of the text in nginx's configuration: a
// quote or backslash takes two characters there, and a dollar sign a variable.
func printedLength(s string) int {
	const dollar = len("${gw_dollar}")
	return len(s) + strings.Count(s, `"`) + strings.Count(s, `\`) + (dollar-1)*strings.Count(s, "$")
}

// isHeaderName says whether nginx can address a request header of that name:
// it drops headers with other characters, and does not tell hyphens from
// underscores.
func isHeaderName(s string) bool {
	return s != "" && len(s) <= 256 && strings.IndexFunc(s, func(r rune) bool { return !isHeaderRune(r) }) < 0
}

func isHeaderRune(r rune) bool {
	return r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
