package explain

import (
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// patience with an expression that backtracks. It bounds a run, and decides
// nothing but whether the answer is "not to be said".
const patience = time.Second

// ignoresCase finds the option for it.
var ignoresCase = regexp.MustCompile(`\(\?[msU]*i`)

// matches says whether nginx's PCRE2 finds the expression in the subject, as
// far as that can be told: known is false where no engine of Go's is certain to
// say the same. Both engines agree with PCRE2 on the subset that they are asked
// for; Go's own takes most of what stands in routes, the other one looks ahead
// and back.
func matches(expression, subject string) (fits, known bool) {
	if strings.Contains(expression, `\v`) || strings.Contains(expression, `\V`) {
		// A class in PCRE2, a character elsewhere.
		return false, false
	}
	folds := ignoresCase.MatchString(expression) && !isASCII(expression+subject)
	// nginx compares bytes, not characters.
	expression, subject = characters(expression), characters(subject)
	// "$" is before a newline at the end, too, except in Go.
	if own, err := regexp.Compile(expression); err == nil && !folds && !strings.Contains(subject, "\n") {
		return own.MatchString(subject), true
	}
	// Classes of classes: "[[:alpha:]]" is unknown to the other engine, and
	// "[a-z-[aeiou]]" is a subtraction there.
	if !isASCII(expression+subject) || strings.Contains(expression, "[:") || strings.Contains(expression, "-[") {
		return false, false
	}
	other, err := regexp2.Compile(expression, regexp2.None)
	if err != nil {
		return false, false
	}
	other.MatchTimeout = patience
	fits, err = other.MatchString(subject)
	return fits, err == nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

// characters makes a character of each byte.
func characters(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
