package nginx

import (
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// test is one condition on a request: a variable has a value, or matches a
// pattern.
type test struct {
	variable token.Variable
	value    token.Part
	equal    *token.Value
	pattern  *token.Regex
}

func equals(v token.Variable, text string) (test, bool) {
	value := token.Text(text)
	whole, ok := token.NewValue(value)
	return test{variable: v, value: value, equal: &whole}, ok
}

func matches(v token.Variable, pattern token.Regex) test {
	return test{variable: v, pattern: &pattern}
}

func (t test) condition() condition {
	return condition{Variable: t.variable, Equal: t.equal, Pattern: t.pattern}
}

// testsOf returns what must hold for the match, the path only if asked. False
// says that a condition is left out since nginx cannot hold it.
func (c *compilation) testsOf(m *graph.Match, path bool) ([]test, bool) {
	var tests []test
	complete := true
	add := func(t test, ok bool) {
		if !ok {
			complete = false
			return
		}
		tests = append(tests, t)
	}
	if m.Method != "" {
		add(equals(token.RequestMethod, m.Method))
	}
	for _, h := range m.Headers {
		add(headerTest(h))
	}
	for _, q := range m.Query {
		add(c.queryTest(q))
	}
	if path {
		add(pathTest(m))
	}
	return tests, complete
}

// headerTest compares the whole header; lines of one name are joined by
// commas (RFC 9110, section 5.3).
func headerTest(h graph.ValueMatch) (test, bool) {
	v, ok := token.RequestHeader(h.Name)
	if !ok {
		return test{}, false
	}
	if h.Regex {
		pattern, ok := token.ValuePattern(h.Value)
		return matches(v, pattern), ok
	}
	return equals(v, h.Value)
}

// queryTest looks at the first parameter of the name. Regular expressions see
// the value as the client encoded it.
func (c *compilation) queryTest(q graph.ValueMatch) (test, bool) {
	if q.Regex {
		pattern, ok := token.QueryValuePattern(q.Value)
		if !ok {
			return test{}, false
		}
		v, ok := c.queryParameter(q.Name)
		return matches(v, pattern), ok
	}
	pattern, plain, ok := token.QueryValue(q.Value)
	if !ok {
		return test{}, false
	}
	v, ok := c.queryParameter(q.Name)
	if ok && plain {
		return equals(v, "="+q.Value)
	}
	return matches(v, pattern), ok
}

func pathTest(m *graph.Match) (test, bool) {
	var (
		pattern token.Regex
		ok      bool
	)
	switch p := placeOf(m); p.kind {
	case graph.PathRegex:
		pattern, ok = token.PathPattern(p.path)
	case graph.PathPrefix:
		pattern, ok = token.PrefixPattern(p.path)
	}
	return matches(token.URI, pattern), ok
}

// queryParameter returns the variable with the query parameter of that name.
func (c *compilation) queryParameter(name string) (token.Variable, bool) {
	if _, ok := token.QueryPattern(name); !ok || name == "" {
		return token.Variable{}, false
	}
	for i, known := range c.query {
		if known == name {
			return token.QueryParameter(i), true
		}
	}
	c.query = append(c.query, name)
	return token.QueryParameter(len(c.query) - 1), true
}

// queryParameters returns a map for each query parameter that tests look at.
func (c *compilation) queryParameters() []queryParameter {
	var maps []queryParameter
	for i, name := range c.query {
		pattern, _ := token.QueryPattern(name)
		maps = append(maps, queryParameter{Variable: token.QueryParameter(i), Pattern: pattern})
	}
	return maps
}

// choose returns the choice that all tests together make. A single test is
// made as it is. Of several, values are joined by newlines, which none of them
// can hold, and compared at once; each pattern that matches adds a sign.
func choose(tests []test, target token.NamedLocation) choice {
	if len(tests) == 1 {
		return choice{Condition: tests[0].condition(), Target: target}
	}
	var have, want []token.Part
	var flags, all []condition
	for _, t := range tests {
		all = append(all, t.condition())
		if t.equal == nil {
			flags = append(flags, t.condition())
			continue
		}
		if len(have) > 0 {
			have, want = append(have, token.Newline()), append(want, token.Newline())
		}
		have, want = append(have, token.Of(t.variable)), append(want, t.value)
	}
	if len(flags) > 0 {
		have, want = append(have, token.Newline()), append(want, token.Newline())
	}
	key, okKey := token.NewValue(have...)
	equal, ok := token.NewValue(append(want, signs(flags))...)
	if !okKey || !ok {
		// Together the values are longer than one string may be.
		key, flags = token.Value{}, all
		equal, _ = token.NewValue(signs(flags))
	}
	return choice{
		Key: &key, Flags: flags, Target: target,
		Condition: condition{Variable: token.Key, Equal: &equal},
	}
}

// makeKeysOnce leaves a key out where the choices before have just made the same
// one and added no signs to it: with fifty rules of a kind, making it took more of
// nginx's time than all the comparisons.
func makeKeysOnce(choices []choice) {
	var made *token.Value
	for i := range choices {
		key := choices[i].Key
		if key == nil {
			continue
		}
		if made != nil && *made == *key {
			choices[i].Key = nil
		}
		made = key
		if len(choices[i].Flags) > 0 {
			made = nil
		}
	}
}

// signs is what flags make of the key when all of them hold.
func signs(flags []condition) token.Part { return token.Text(strings.Repeat("+", len(flags))) }

func joined(parts ...token.Part) *token.Value {
	v, _ := token.NewValue(parts...)
	return &v
}
