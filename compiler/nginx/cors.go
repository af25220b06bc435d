package nginx

import (
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// cors answers browsers that ask whether a page of another web site may send a
// request. What goes with the answer to that request itself is among the
// headers that the handler adds.
type cors struct {
	// Allowed is empty for web sites that are not let in; nil where nothing
	// depends on the web site.
	Allowed *token.Variable
	// Settings are for web sites that are let in.
	Settings []setting
	// Preflight is added to the answer to the question.
	Preflight []header
}

// setting gives a variable its value.
type setting struct {
	Variable token.Variable
	Value    token.Value
}

// allowedOrigins is a map that finds requests from pages of the web sites in a
// list.
type allowedOrigins struct {
	Variable token.Variable
	// Exact are keys for single web sites, Several expressions for all below a
	// host.
	Exact   []token.MapText
	Several []token.Regex
}

// corsHeaders are those that backends have no say in where a rule does CORS.
var corsHeaders = []string{
	allowOrigin, allowCredentials, allowMethods, allowHeaders, exposeHeaders, maxAge,
}

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowHeaders     = "Access-Control-Allow-Headers"
	exposeHeaders    = "Access-Control-Expose-Headers"
	maxAge           = "Access-Control-Max-Age"
)

// corsWriter writes the headers of one rule's CORS.
type corsWriter struct {
	cors
	// answer goes with the answers to requests that are not preflight ones.
	answer []header
	failed bool
}

// cors returns what the filter does, and the headers that it adds to answers.
func (c *compilation) cors(f *graph.CORS) (*cors, []header, bool) {
	w := corsWriter{}
	origin := token.Text("*")
	switch {
	case f.AnyOrigin && f.Credentials:
		w.Allowed, origin = new(token.RequestOrigin), token.Of(token.RequestOrigin)
	case f.AnyOrigin:
	case len(f.Origins) == 0:
		return &w.cors, nil, true
	default:
		allowed, ok := c.allowedOrigin(f.Origins)
		if !ok {
			return nil, nil, false
		}
		w.Allowed, origin = &allowed, token.Of(allowed)
	}
	w.both(allowOrigin, origin)
	if f.Credentials {
		w.both(allowCredentials, w.ifAllowed(token.CORSCredentials, token.Text("true")))
	}
	if part, ok := names(f.ExposeHeaders, nil); ok {
		w.both(exposeHeaders, w.ifAllowed(token.CORSExpose, part))
	}
	if w.Allowed != nil {
		w.both("Vary", token.Text("Origin"))
	}
	// An asterisk would be a name to browsers that send credentials, so what
	// they ask for is repeated.
	var method, headers *token.Variable
	if f.Credentials {
		method, headers = new(token.WantedMethod), new(token.WantedHeaders)
	}
	if part, ok := names(f.Methods, method); ok {
		w.preflight(allowMethods, w.ifAllowed(token.CORSMethods, part))
	}
	if part, ok := names(f.Headers, headers); ok {
		w.preflight(allowHeaders, w.ifAllowed(token.CORSHeaders, part))
	}
	w.preflight(maxAge, w.ifAllowed(token.CORSMaxAge, token.Text(token.NewInt(f.MaxAge).String())))
	return &w.cors, w.answer, !w.failed
}

// names returns the list as a header has it; a variable may stand for all.
func names(n graph.Names, all *token.Variable) (token.Part, bool) {
	switch {
	case n.Any && all != nil:
		return token.Of(*all), true
	case n.Any:
		return token.Text("*"), true
	}
	return token.Text(strings.Join(n.List, ", ")), len(n.List) > 0
}

// ifAllowed returns a part that is empty for web sites that are not let in.
func (w *corsWriter) ifAllowed(v token.Variable, part token.Part) token.Part {
	if w.Allowed == nil {
		return part
	}
	value, ok := token.NewValue(part)
	w.failed = w.failed || !ok
	w.Settings = append(w.Settings, setting{Variable: v, Value: value})
	return token.Of(v)
}

func (w *corsWriter) both(name string, part token.Part) {
	w.preflight(name, part)
	w.answer = append(w.answer, w.header(name, part))
}

func (w *corsWriter) preflight(name string, part token.Part) {
	w.Preflight = append(w.Preflight, w.header(name, part))
}

func (w *corsWriter) header(name string, part token.Part) header {
	printed, okName := token.NewHeader(name)
	value, ok := token.NewValue(part)
	w.failed = w.failed || !ok || !okName
	return header{Name: printed, Value: value}
}

// hiddenByCORS are the backend's headers that a rule with CORS replaces.
func hiddenByCORS() []token.Header {
	var hidden []token.Header
	for _, name := range corsHeaders {
		h, _ := token.NewHeader(name)
		hidden = append(hidden, h)
	}
	return hidden
}

// allowedOrigin returns the variable that holds the Origin where it is in the
// list. Equal lists share one, as each map costs time at a reload.
func (c *compilation) allowedOrigin(origins []graph.Origin) (token.Variable, bool) {
	at := slices.IndexFunc(c.corsOrigins, func(known []graph.Origin) bool { return slices.Equal(known, origins) })
	if at < 0 {
		at = len(c.corsOrigins)
		if _, ok := newAllowedOrigins(at, origins); !ok {
			return token.Variable{}, false
		}
		c.corsOrigins = append(c.corsOrigins, origins)
	}
	return token.AllowedOrigin(at), true
}

func (c *compilation) allowedOrigins() []allowedOrigins {
	var lists []allowedOrigins
	for i, origins := range c.corsOrigins {
		list, _ := newAllowedOrigins(i, origins)
		lists = append(lists, list)
	}
	return lists
}

func newAllowedOrigins(number int, origins []graph.Origin) (allowedOrigins, bool) {
	list := allowedOrigins{Variable: token.AllowedOrigin(number)}
	for _, o := range origins {
		exact, several, ok := token.Origin(o.Scheme, o.Host, o.Port)
		switch {
		case !ok:
			return allowedOrigins{}, false
		case several != nil:
			list.Several = append(list.Several, *several)
		default:
			list.Exact = append(list.Exact, exact)
		}
	}
	return list, true
}
