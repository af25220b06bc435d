package nginx

import (
	"slices"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// webSockets limits which requests become websockets, at one location.
type webSockets struct {
	// Forbidden is a variable that holds something but "0" for those that are
	// answered with 403; nil where none is.
	Forbidden *token.Variable
	Limit     *webSocketLimit
}

// webSocketLimit counts websockets.
type webSocketLimit struct {
	// Counter is what those that are counted together have in common.
	Counter token.Value
	Max     token.Int
}

// originList is a map that finds requests for a websocket from pages of web
// sites that are not in a list.
type originList struct {
	Variable token.Variable
	// Exact are keys for single web sites, Subdomains expressions for all below
	// a host.
	Exact      []token.MapText
	Subdomains []token.Regex
}

// webSockets returns the limits; nil where there are none.
func (c *compilation) webSockets(limits graph.WebSocketLimits) (*webSockets, bool) {
	var w webSockets
	ok := true
	switch {
	case limits.Refused:
		w.Forbidden = new(token.Upgrade)
	case len(limits.Origins) > 0:
		var v token.Variable
		v, ok = c.foreignOrigin(limits.Origins)
		w.Forbidden = &v
	}
	if limits.Max > 0 {
		counter, printable := token.NewValue(token.Text(limits.Counter))
		ok = ok && printable
		c.countsWebSockets = true
		w.Limit = &webSocketLimit{Counter: counter, Max: token.NewInt(limits.Max)}
	}
	if w == (webSockets{}) {
		return nil, ok
	}
	return &w, ok
}

// foreignOrigin returns the variable that tells requests for a websocket from
// elsewhere. Equal lists share one, as each map costs time at a reload.
func (c *compilation) foreignOrigin(origins []graph.Origin) (token.Variable, bool) {
	at := slices.IndexFunc(c.origins, func(known []graph.Origin) bool { return slices.Equal(known, origins) })
	if at < 0 {
		if _, ok := newOriginList(len(c.origins), origins); !ok {
			return token.Variable{}, false
		}
		at = len(c.origins)
		c.origins = append(c.origins, origins)
	}
	return token.ForeignOrigin(at), true
}

func (c *compilation) originLists() []originList {
	var lists []originList
	for i, origins := range c.origins {
		list, _ := newOriginList(i, origins)
		lists = append(lists, list)
	}
	return lists
}

func newOriginList(number int, origins []graph.Origin) (originList, bool) {
	list := originList{Variable: token.ForeignOrigin(number)}
	for _, o := range origins {
		exact, subdomains, ok := token.WebSocketOrigin(o.Scheme, o.Host, o.Port)
		switch {
		case !ok:
			return originList{}, false
		case subdomains != nil:
			list.Subdomains = append(list.Subdomains, *subdomains)
		default:
			list.Exact = append(list.Exact, exact)
		}
	}
	return list, true
}
