package graph

import (
	"slices"
	"strings"
)

// posixClasses are the names in [[:name:]].
var posixClasses = strings.Fields("alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit")

// class reads a character class from after its opening bracket to its closing
// one.
func (p *regexParser) class() {
	if p.resemblesPosixClass() {
		p.fail(`[%[1]c … %[1]c] is not supported: put the %[1]c elsewhere in the brackets`, p.text[p.at])
		return
	}
	p.take("^")
	// A bracket that comes first is an ordinary character.
	first := true
	for p.fault == "" && p.at < len(p.text) && (first || p.text[p.at] != ']') {
		first = false
		p.classItem()
	}
	if p.fault == "" && !p.take("]") {
		p.fail(`missing "]"`)
	}
}

// resemblesPosixClass says whether the brackets hold something between two
// colons, full stops or equals signs, which PCRE2 takes for a misplaced or
// unknown POSIX class.
func (p *regexParser) resemblesPosixClass() bool {
	if p.at >= len(p.text) || strings.IndexByte(":.=", p.text[p.at]) < 0 {
		return false
	}
	mark := p.text[p.at]
	for i := p.at + 1; i < len(p.text); i++ {
		switch {
		case p.text[i] == ']':
			return i > p.at+1 && p.text[i-1] == mark
		case p.text[i] == '\\':
			i++
		}
	}
	return false
}

// classItem reads a character, a set, or a range.
func (p *regexParser) classItem() {
	low, single := p.classCharacter()
	if p.fault != "" || !strings.HasPrefix(p.rest(), "-") || strings.HasPrefix(p.rest(), "-]") {
		return
	}
	if !single {
		p.fail(`a range cannot begin with a set: write \- for a hyphen`)
		return
	}
	p.at++
	if p.at >= len(p.text) {
		return
	}
	high, single := p.classCharacter()
	switch {
	case p.fault != "":
	case !single:
		p.fail(`a range cannot end with a set: write \- for a hyphen`)
	case low != unknownCharacter && high != unknownCharacter && high < low:
		p.fail("the range %c-%c is empty", low, high)
	case low == unknownCharacter || high == unknownCharacter:
		p.fail("a range goes from a plain character to another")
	case strings.HasPrefix(p.rest(), "-") && !strings.HasPrefix(p.rest(), "-]"):
		p.fail(`write \- for a hyphen after a range`)
	}
}

// unknownCharacter stands for one that is written in a way of which the parser
// does not keep the value.
const unknownCharacter = -1

// classCharacter reads one character, or a set of them (then single is false).
func (p *regexParser) classCharacter() (character int, single bool) {
	c := p.text[p.at]
	switch {
	case c == '[' && p.at+1 < len(p.text) && strings.IndexByte(":.=", p.text[p.at+1]) >= 0:
		p.posixClass()
		return 0, false
	case c >= 0x80:
		p.fail("%q in brackets: nginx compares bytes, which are several here", firstRune(p.rest()))
		return 0, true
	case c != '\\':
		p.at++
		return int(c), true
	}
	p.at++
	if p.at >= len(p.text) {
		p.fail(`nothing after the last \`)
		return 0, true
	}
	if p.take("b") {
		return unknownCharacter, true
	}
	escaped := p.text[p.at]
	if !p.commonEscape() {
		return 0, false
	}
	if isHeaderRune(rune(escaped)) && escaped != '-' {
		return unknownCharacter, true
	}
	return int(escaped), true
}

func (p *regexParser) posixClass() {
	inside, _, closed := strings.Cut(p.rest()[2:], ":]")
	if p.text[p.at+1] != ':' || !closed || !slices.Contains(posixClasses, strings.TrimPrefix(inside, "^")) {
		p.fail(`[%c in brackets is not supported: write \[ for a bracket, [:alpha:] for letters`, p.text[p.at+1])
		return
	}
	p.at += len("[:") + len(inside) + len(":]")
}
