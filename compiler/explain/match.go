package explain

import (
	"fmt"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// fit is whether a request has what a match asks for, and what decides it.
type fit struct {
	fits verdict
	// why it does not, or why that cannot be said.
	why string
}

// verdict is yes, no, or not to be said.
type verdict int

const (
	no verdict = iota
	yes
	unsure
)

// fitOf looks at all conditions: one that fails decides, even if another cannot
// be told.
func fitOf(m *graph.Match, r Request, path string) fit {
	conditions := []func() fit{func() fit { return fitPath(m, path) }, func() fit { return fitMethod(m, r) }}
	for _, h := range m.Headers {
		conditions = append(conditions, func() fit { return fitHeader(h, r) })
	}
	for _, q := range m.Query {
		conditions = append(conditions, func() fit { return fitQuery(q, r) })
	}
	result := fit{fits: yes}
	for _, condition := range conditions {
		switch f := condition(); f.fits {
		case no:
			return f
		case unsure:
			result = f
		case yes:
		}
	}
	return result
}

func fitPath(m *graph.Match, path string) fit {
	switch m.PathKind {
	case graph.PathExact:
		return decide(path == token.DecodePath(m.Path), "%q is not %q", path, m.Path)
	case graph.PathRegex:
		return fitRegex("^(?:"+m.Path+")", path, fmt.Sprintf("its expression %q for the path", m.Path))
	case graph.PathPrefix:
	}
	prefix := strings.TrimRight(token.DecodePath(m.Path), "/")
	return decide(path == prefix || strings.HasPrefix(path, prefix+"/"), "%q does not begin with %q", path, m.Path)
}

func fitMethod(m *graph.Match, r Request) fit {
	return decide(m.Method == "" || m.Method == r.Method, "the method is %s, not %s", r.Method, m.Method)
}

func fitHeader(h graph.ValueMatch, r Request) fit {
	value := r.header(h.Name)
	switch {
	case value == "":
		// nginx does not tell an empty header from none.
		return decide(!h.Regex && h.Value == "", "the request has no header %s", h.Name)
	case h.Regex:
		return fitRegex("^(?:"+h.Value+`)\z`, value, fmt.Sprintf("its expression %q for header %s", h.Value, h.Name))
	}
	return decide(value == h.Value, "header %s is %q, not %q", h.Name, value, h.Value)
}

func fitQuery(q graph.ValueMatch, r Request) fit {
	value, ok := r.query(q.Name)
	switch {
	case !ok:
		return fit{no, fmt.Sprintf("the request has no query parameter %s", q.Name)}
	case q.Regex:
		return fitRegex("^(?:"+q.Value+`)\z`, value, fmt.Sprintf("its expression %q for query parameter %s", q.Value, q.Name))
	}
	return decide(decodeQuery(value) == q.Value, "query parameter %s is %q, not %q", q.Name, value, q.Value)
}

func decide(fits bool, format string, values ...any) fit {
	if fits {
		return fit{fits: yes}
	}
	return fit{no, fmt.Sprintf(format, values...)}
}

func fitRegex(expression, subject, what string) fit {
	fits, known := matches(expression, subject)
	if !known {
		return fit{unsure, fmt.Sprintf("%s is beyond what can be told without nginx", what)}
	}
	return decide(fits, "%s does not match %q", what, subject)
}
