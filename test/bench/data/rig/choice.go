package rig

import (
	"strings"

	"github.com/gatewright/gatewright/test/bench/data/site"
)

// choice is a host with several rules as somebody writes it who sees that all of
// its conditions look at the same thing: one look into a table.
type choice struct {
	Route site.Route
	// Nginx and HAProxy are what is looked up, in the words of each.
	Nginx, HAProxy string
	Entries        []entry
	// Rest is the rule with a method alone, if there is one.
	Rest *rest
}

type entry struct{ Value, Backend string }

type rest struct{ Method, Pattern, Backend string }

// choicesOf returns those of the site's hosts that have several rules.
func choicesOf(s site.Site) []choice {
	var all []choice
	for _, route := range s.Routes {
		if len(route.Rules) > 1 {
			all = append(all, choiceOf(route))
		}
	}
	return all
}

func choiceOf(route site.Route) choice {
	c := choice{Route: route}
	header := strings.ToLower(strings.ReplaceAll(site.ConditionHeader, "-", "_"))
	switch first := route.Rules[0]; {
	case first.Method != "":
		c.Nginx = `"$request_method` + separator + `$http_` + header + `"`
		c.HAProxy = "method,concat(" + separator + ",txn.rule)"
	case first.Query != "":
		c.Nginx, c.HAProxy = "$arg_"+site.ConditionParameter, "url_param("+site.ConditionParameter+")"
	default:
		c.Nginx, c.HAProxy = "$http_"+header, "var(txn.rule)"
	}
	for _, r := range route.Rules {
		switch {
		case r.Method != "" && r.Header == "":
			c.Rest = &rest{Method: r.Method, Pattern: `"~^` + r.Method + `[|]"`, Backend: r.Name}
		case r.Method != "":
			c.Entries = append(c.Entries, entry{r.Method + separator + r.Header, r.Name})
		default:
			c.Entries = append(c.Entries, entry{r.Header + r.Query, r.Name})
		}
	}
	return c
}

// separator is between a method and the value of a header.
const separator = "|"
