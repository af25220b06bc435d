package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The limits of user's regular expressions. PCRE2 refuses what compiles to more
// than 64 KiB; compiledSize stays below that by counting generously.
const (
	maxRegexLength  = 1024
	maxRegexRepeat  = 1000
	maxRegexNesting = 50
	maxRegexSize    = 32 << 10
)

// regexFault says why nginx's PCRE2 would refuse an expression, or why we do;
// empty where it compiles. It takes a subset of what PCRE2 takes: what is out
// of it is rare in paths and headers, and a mistake here would keep nginx from
// loading anything. Names for groups are out, as nginx would make variables of
// them, and so is all that can reach out of the group that the expression is
// put into: comments, \Q, extended mode and verbs.
func regexFault(expression string) string {
	if expression == "" {
		return "it is empty"
	}
	if len(expression) > maxRegexLength {
		return fmt.Sprintf("%d characters are more than %d", len(expression), maxRegexLength)
	}
	p := &regexParser{text: expression}
	size := p.alternatives(0)
	switch {
	case p.fault == "" && p.at < len(p.text):
		p.fail(`")" without "("`)
	case p.fault == "" && p.highestReference > p.groups:
		p.fail(`\%d refers to a group that is not there`, p.highestReference)
	case p.fault == "" && size > maxRegexSize:
		p.fail("its repetitions make it too large")
	}
	return p.fault
}

// regexParser reads an expression once, from left to right, and stops at the
// first fault.
type regexParser struct {
	text  string
	at    int
	fault string
	// groups counts capturing groups.
	groups           int
	highestReference int
}

func (p *regexParser) fail(format string, values ...any) int {
	if p.fault == "" {
		p.fault = fmt.Sprintf(format, values...) + fmt.Sprintf(" at offset %d", p.at)
	}
	p.at = len(p.text)
	return 0
}

func (p *regexParser) rest() string { return p.text[p.at:] }

// take consumes the prefix if it is next.
func (p *regexParser) take(prefix string) bool {
	if !strings.HasPrefix(p.rest(), prefix) {
		return false
	}
	p.at += len(prefix)
	return true
}

// item is what a quantifier can follow.
type item struct {
	// size it compiles to, at most.
	size int
	// group is repeated by copying it.
	group bool
	// fixed is an assertion or an option, which no quantifier can follow.
	fixed bool
}

// alternatives reads up to the closing parenthesis or the end, and returns the
// size it compiles to.
func (p *regexParser) alternatives(depth int) int {
	const branch = 6
	size := branch
	if depth > maxRegexNesting {
		return p.fail("groups are nested more than %d deep", maxRegexNesting)
	}
	for p.fault == "" && p.at < len(p.text) && p.text[p.at] != ')' {
		if p.take("|") {
			size += branch
			continue
		}
		it := p.item(depth)
		if p.fault == "" {
			size += p.quantified(it)
		}
		if size > maxRegexSize {
			return p.fail("its repetitions make it too large")
		}
	}
	return size
}

func (p *regexParser) item(depth int) item {
	switch c := p.text[p.at]; c {
	case '(':
		return p.group(depth)
	case '[':
		p.at++
		p.class()
		// A bitmap for the class, and Unicode properties beside it.
		return item{size: 200}
	case '\\':
		p.at++
		return p.escape()
	case '^', '$':
		p.at++
		return item{size: 2, fixed: true}
	case '*', '+', '?':
		p.fail("nothing to repeat before %c", c)
		return item{}
	case '{':
		if looksLikeQuantifier(p.rest()) {
			p.fail(`nothing to repeat before {: write \{ for a brace`)
			return item{}
		}
	}
	p.at++
	return item{size: 4}
}

// quantified reads what follows an item, and returns the size of both.
func (p *regexParser) quantified(it item) int {
	const overhead = 16
	times, ok := p.quantifier()
	if !ok {
		return it.size
	}
	if it.fixed {
		return p.fail("an assertion cannot be repeated")
	}
	// Lazy or possessive.
	_ = p.take("?") || p.take("+")
	if it.group {
		return (it.size + overhead) * max(1, times)
	}
	return it.size + overhead
}

// quantifier reads *, +, ? or {n,m} if one is next, and returns how many copies
// of a group it makes.
func (p *regexParser) quantifier() (int, bool) {
	switch {
	case p.take("*"), p.take("?"):
		return 1, true
	case p.take("+"):
		return 2, true
	case !strings.HasPrefix(p.rest(), "{") || !looksLikeQuantifier(p.rest()):
		return 0, false
	}
	end := strings.IndexByte(p.rest(), '}')
	from, to, ranged := strings.Cut(p.rest()[1:end], ",")
	p.at += end + 1
	least, err := strconv.ParseUint(from, 10, 16)
	if err != nil {
		return p.fail(`{%s} is no repetition: write {n}, {n,} or {n,m}, or \{ for a brace`, p.text[p.at-end:p.at-1]), true
	}
	most := least
	if ranged && to != "" {
		if most, err = strconv.ParseUint(to, 10, 16); err != nil || most < least {
			return p.fail("{%s} is no repetition: the second number is not above the first", p.text[p.at-end:p.at-1]), true
		}
	}
	if most > maxRegexRepeat {
		return p.fail("more than %d repetitions", maxRegexRepeat), true
	}
	return int(most) + 1, true
}

// looksLikeQuantifier says whether PCRE2, in any version, takes the brace that
// the text begins with for a repetition.
func looksLikeQuantifier(text string) bool {
	inside, _, closed := strings.Cut(text[1:], "}")
	return closed && strings.ContainsAny(inside, "0123456789") && strings.Trim(inside, "0123456789, \t") == ""
}

// group reads from the opening parenthesis to the closing one.
func (p *regexParser) group(depth int) item {
	p.at++
	it := item{group: true}
	switch {
	case p.take("?:"), p.take("?>"):
	case p.take("?="), p.take("?!"):
		it.fixed = true
	case p.take("?"):
		if p.options() {
			return item{size: 4, fixed: true}
		}
	case strings.HasPrefix(p.rest(), "*"):
		p.fail("verbs are not supported: (%.10s", p.rest())
	default:
		p.groups++
	}
	it.size = 16 + p.alternatives(depth+1)
	if p.fault == "" && !p.take(")") {
		p.fail(`missing ")"`)
	}
	return it
}

// options reads (?i), then it is all of the group, or (?i: up to the colon.
func (p *regexParser) options() bool {
	const letters = "imsU"
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(letters+"-", p.text[p.at]) >= 0 {
		p.at++
	}
	on, off, minus := strings.Cut(p.text[start:p.at], "-")
	sound := (on != "" || minus) && (!minus || off != "") && !strings.Contains(off, "-")
	switch {
	case sound && p.take(")"):
		return true
	case sound && p.take(":"):
		return false
	}
	kind := p.text[start-2 : min(len(p.text), start+2)]
	switch {
	case strings.HasPrefix(kind, "(?<=") || strings.HasPrefix(kind, "(?<!"):
		p.fail("looking behind is not supported: %s", kind)
	case strings.HasPrefix(kind, "(?<") || strings.HasPrefix(kind, "(?P") || strings.HasPrefix(kind, "(?'"):
		p.fail("names for groups are not supported: write ( or (?: in place of %s", kind)
	default:
		p.fail("%s is not supported", kind)
	}
	return false
}

// escape reads what follows a backslash outside of a class.
func (p *regexParser) escape() item {
	if p.at >= len(p.text) {
		p.fail(`nothing after the last \`)
		return item{}
	}
	c := p.text[p.at]
	switch {
	case strings.IndexByte("bBAzZ", c) >= 0:
		p.at++
		return item{size: 2, fixed: true}
	case c == 'R':
		p.at++
	case '1' <= c && c <= '9':
		p.at++
		if p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
			p.fail(`\%c%c is not supported`, c, p.text[p.at])
		}
		p.highestReference = max(p.highestReference, int(c-'0'))
	default:
		p.commonEscape()
	}
	return item{size: 100}
}

// commonEscape reads an escape that stands for a character, or (then it returns
// false) for a set of them, inside a class as well as outside.
func (p *regexParser) commonEscape() bool {
	c := p.text[p.at]
	p.at++
	switch {
	case strings.IndexByte("aefnrt", c) >= 0:
		return true
	case strings.IndexByte("dDsSwWhHvV", c) >= 0:
		return false
	case c == 'p' || c == 'P':
		p.property()
		return false
	case c == 'x':
		p.hexadecimal()
		return true
	case c == '0':
		for n := 0; n < 2 && p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '7'; n++ {
			p.at++
		}
		return true
	case isHeaderRune(rune(c)) && c != '-' || c >= 0x80:
		p.fail(`\%s is not supported`, firstRune(p.text[p.at-1:]))
	}
	return true
}

// categories of characters that \p knows by one or two letters.
var categories = strings.Fields("C Cc Cf Cn Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No " +
	"P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs")

func (p *regexParser) property() {
	name := firstRune(p.rest())
	p.at += len(name)
	if name == "{" {
		inside, _, closed := strings.Cut(p.rest(), "}")
		if !closed {
			p.fail(`missing "}"`)
			return
		}
		p.at += len(inside) + 1
		name = strings.TrimPrefix(inside, "^")
	}
	if p.fault == "" && !slices.Contains(categories, name) {
		p.fail("%q is no category of characters: L, Lu or Nd is one", name)
	}
}

func (p *regexParser) hexadecimal() {
	digits := ""
	switch {
	case p.take("{"):
		inside, _, closed := strings.Cut(p.rest(), "}")
		if !closed {
			p.fail(`missing "}"`)
			return
		}
		digits = inside
		p.at += len(inside) + 1
	case len(p.rest()) >= 2:
		digits = p.rest()[:2]
		p.at += 2
	}
	if _, err := strconv.ParseUint(digits, 16, 8); err != nil {
		p.fail(`\x takes two hexadecimal digits`)
	}
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}
