// Package conftree reads nginx configuration as nginx does, so that tests can
// tell what a text became: which directives, with which parameters.
//
// In: configuration text. Out: a tree of directives. It must not know what any
// directive means. It follows ngx_conf_read_token.
package conftree

import (
	"fmt"
	"slices"
	"strings"
)

// Directive is a directive, or a block with directives in it.
type Directive struct {
	// Args are its name and parameters, without quotes and escapes.
	Args  []string
	Block []Directive
}

// Shape prints the tree without the content of parameters: names, their
// number, and nesting. Keys of maps are parameters, but for the words that
// have a meaning there.
func Shape(directives []Directive) string {
	var b strings.Builder
	shape(&b, directives, "", false)
	return b.String()
}

func shape(b *strings.Builder, directives []Directive, indent string, keys bool) {
	for _, d := range directives {
		name := d.Args[0]
		if keys && !slices.Contains([]string{"default", "hostnames", "include", "volatile"}, name) {
			name = "key"
		}
		fmt.Fprintf(b, "%s%s %d\n", indent, name, len(d.Args)-1)
		shape(b, d.Block, indent+"  ", d.Args[0] == "map" || d.Args[0] == "geo")
	}
}

// Parse reads a whole file.
func Parse(text string) ([]Directive, error) {
	p := &parser{text: text, line: 1}
	directives, end, err := p.directives()
	if err == nil && end == blockEnd {
		err = p.fail("unexpected }")
	}
	return directives, err
}

type parser struct {
	text string
	at   int
	line int
}

type ending int

const (
	fileEnd ending = iota
	blockEnd
	semicolon
	blockStart
)

func (p *parser) fail(message string) error {
	return fmt.Errorf("line %d: %s", p.line, message)
}

func (p *parser) directives() ([]Directive, ending, error) {
	var out []Directive
	for {
		args, end, err := p.args()
		if err != nil {
			return nil, end, err
		}
		switch end {
		case fileEnd, blockEnd:
			if len(args) > 0 {
				return nil, end, p.fail("directive is not terminated by ;")
			}
			return out, end, nil
		}
		if len(args) == 0 {
			return nil, end, p.fail("directive without a name")
		}
		d := Directive{Args: args}
		if end == blockStart {
			var last ending
			if d.Block, last, err = p.directives(); err != nil {
				return nil, last, err
			}
			if last != blockEnd {
				return nil, last, p.fail("missing }")
			}
		}
		out = append(out, d)
	}
}

// args reads parameters up to what ends them.
func (p *parser) args() ([]string, ending, error) {
	var args []string
	for {
		for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
			p.skip()
		}
		if p.at == len(p.text) {
			return args, fileEnd, nil
		}
		switch c := p.text[p.at]; c {
		case ';':
			p.skip()
			return args, semicolon, nil
		case '{':
			p.skip()
			return args, blockStart, nil
		case '}':
			p.skip()
			return args, blockEnd, nil
		case '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.skip()
			}
		case '"', '\'':
			arg, err := p.quoted(c)
			if err != nil {
				return nil, fileEnd, err
			}
			args = append(args, arg)
		default:
			args = append(args, p.bare())
		}
	}
}

func (p *parser) skip() {
	if p.text[p.at] == '\n' {
		p.line++
	}
	p.at++
}

func (p *parser) quoted(quote byte) (string, error) {
	p.skip()
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != quote {
		if p.text[p.at] == '\\' && p.at+1 < len(p.text) {
			p.skip()
		}
		p.skip()
	}
	if p.at == len(p.text) {
		return "", p.fail("string is not closed")
	}
	raw := p.text[start:p.at]
	p.skip()
	if p.at < len(p.text) && strings.IndexByte(" \t\r\n;{)", p.text[p.at]) < 0 {
		return "", p.fail(fmt.Sprintf("unexpected %q after a string", p.text[p.at]))
	}
	return unescape(raw), nil
}

// bare reads a parameter without quotes. A brace after a dollar sign belongs
// to a variable.
func (p *parser) bare() string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if strings.IndexByte(" \t\r\n;", c) >= 0 || c == '{' && p.text[p.at-1] != '$' {
			break
		}
		if c == '\\' && p.at+1 < len(p.text) {
			p.skip()
		}
		p.skip()
	}
	return unescape(p.text[start:p.at])
}

var unescaper = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, `'`, `\t`, "\t", `\r`, "\r", `\n`, "\n")

func unescape(s string) string { return unescaper.Replace(s) }
