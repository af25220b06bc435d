package main

import (
	"fmt"

	"github.com/gatewright/gatewright/test/bench/data/load"
	"github.com/gatewright/gatewright/test/bench/data/site"
)

// scenario is one kind of traffic.
type scenario struct {
	// name is what -run matches.
	name string
	// text says what it is, in the report.
	text string
	// plan lacks the port and the duration.
	plan load.Plan
	// tls says that it goes to the port with TLS.
	tls bool
	// unit of rates, and how many of it each answer is; 0 stands for 1.
	unit  string
	times float64
}

// many is how many connections there are where nothing else is said.
const many = 64

// group is scenarios that share a site.
type group struct {
	site      func() site.Site
	scenarios []scenario
}

var groups = []group{
	{func() site.Site { return site.New(1) }, onOneRoute},
}

var onOneRoute = []scenario{
	small("small-1", 1), small("small-64", many), small("small-512", 512),
	{
		name: "small-close", text: "small response, a connection for each request", unit: "req/s",
		plan: load.Plan{Tool: load.Wrk, Host: site.Host(0), Path: "/small", Connections: many, Close: true},
	},
}

func small(name string, connections int) scenario {
	return scenario{
		name: name, text: fmt.Sprintf("small response, %d connections", connections), unit: "req/s",
		plan: load.Plan{Tool: load.Wrk, Host: site.Host(0), Path: "/small", Connections: connections},
	}
}
