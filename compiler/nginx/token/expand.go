package token

import (
	"regexp"
	"strings"
)

var (
	unescaper = strings.NewReplacer(`\\`, `\`, `\"`, `"`)
	reference = regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`)
)

// unquote returns what was quoted.
func (q quoted) unquote() string {
	return unescaper.Replace(strings.TrimSuffix(strings.TrimPrefix(q.s, `"`), `"`))
}

// Expression is the regular expression as PCRE2 gets it.
func (r Regex) Expression() string { return r.unquote() }

// Expand returns what nginx makes of the value, given its variables by name.
func (v Value) Expand(variables map[string]string) string {
	return reference.ReplaceAllStringFunc(v.unquote(), func(r string) string {
		return variables[strings.Trim(r, "${}")]
	})
}
