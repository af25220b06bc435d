package main

import (
	"github.com/gatewright/gatewright/test/bench/data/load"
	"github.com/gatewright/gatewright/test/bench/data/site"
)

// features are rules that differ in one thing. The first is the yardstick.
type features struct {
	name, text string
	of         []scenario
}

var ofTheHop = []features{
	{
		name: "hop-http", text: "small response, what takes the hop beside what does not",
		of: []scenario{
			rule("nginx alone", site.PlainHost),
			rule("timeouts.request", site.RequestHost),
			rule("timeouts.backendRequest", site.AttemptHost),
			rule("retry with codes", site.RetryHost),
			rule("ExternalAuth by HTTP", site.AsksHost),
			rule("ExternalAuth by gRPC", site.AuthorizedCallsHost),
		},
	},
	{
		name: "hop-filters", text: "small response, two backends",
		of: []scenario{rule("nginx alone", site.SplitHost), rule("one has a filter", site.FiltersHost)},
	},
	{
		name: "hop-tls", text: "small response, a backend with TLS",
		of: []scenario{rule("nginx alone", site.TLSHost), rule("subjectAltNames", site.NamesHost)},
	},
	{
		name: "hop-copies", text: "gRPC, unary calls with 32 bytes each way, 10 streams on each connection",
		of: []scenario{called("", "nginx alone", site.UnaryHost), called("", "RequestMirror in a GRPCRoute", site.CopiesHost)},
	},
}

// rule asks for a small response of the host's only rule.
func rule(text, host string) scenario {
	return scenario{text: text, unit: "req/s", plan: load.Plan{Tool: load.Wrk, Host: host, Path: "/small", Connections: many}}
}
