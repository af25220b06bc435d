package graph

import (
	"regexp"
	"strings"
)

// maxWords bounds what is repeated of others' messages, in bytes.
const maxWords = 400

// volatile is what differs between two attempts that fail in the same way: times
// and durations, the ports and identifiers of single requests.
var volatile = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?(UTC|Z|[+-]\d\d:?\d\d))*( m=[+-][\d.]+)?`), "…"},
	{regexp.MustCompile(`((Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d( ?[A-Z]{1,4}\b)?`), "…"},
	{regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):\d+->`), ""},
	{regexp.MustCompile(`(?i)(request ?id|cf-ray|trace ?id):? ?"?[0-9a-z-]{8,}"?`), "$1 …"},
	{regexp.MustCompile(`/acme-challenge/[\w-]{16,}`), "/acme-challenge/…"},
}

// stable returns others' words as a condition can repeat them: the same at each
// attempt, on one line, and not too many.
func stable(words string) string {
	for _, v := range volatile {
		words = v.pattern.ReplaceAllString(words, v.instead)
	}
	words = strings.Join(strings.Fields(words), " ")
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}
