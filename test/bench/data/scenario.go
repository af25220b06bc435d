package main

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/gatewright/gatewright/test/bench/data/load"
	"github.com/gatewright/gatewright/test/bench/data/rig"
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
	// rule is which of the host's rules is to answer, counted from 1; 0 stands
	// for 1.
	rule int
	// tls says that it goes to the port with TLS.
	tls bool
	// unit of rates, and how many of it each answer is; 0 stands for 1.
	unit  string
	times float64
}

// many is how many connections there are where nothing else is said.
const many = 64

// group is what shares a site: scenarios, each of which all proxies are put
// through, and features, which are Gatewright's alone.
type group struct {
	site      func() site.Site
	scenarios []scenario
	features  []features
}

var groups = []group{
	{site: func() site.Site { return site.New(1) }, scenarios: onOneRoute},
	{site: site.Protocols, scenarios: ofProtocols},
	{site: site.Conditions, scenarios: onConditions},
	{site: func() site.Site { return site.New(100) }, scenarios: []scenario{routes("routes-100", 100)}},
	{site: func() site.Site { return site.New(5000) }, scenarios: []scenario{routes("routes-5000", 5000)}},
	{site: site.Hop, features: ofTheHop},
}

// matching are those whose names match.
func (g group) matching(only *regexp.Regexp) group {
	g.scenarios = slices.DeleteFunc(slices.Clone(g.scenarios), func(s scenario) bool { return !only.MatchString(s.name) })
	g.features = slices.DeleteFunc(slices.Clone(g.features), func(f features) bool { return !only.MatchString(f.name) })
	return g
}

// options leave out proxies that have nothing to do.
func (g group) options(o rig.Options) rig.Options {
	if len(g.features) > 0 {
		o.Proxies = []string{rig.Gatewright}
	}
	return o
}

// contests are scenarios among all proxies, and features among each other.
func (g group) contests(r *rig.Rig) []contest {
	var all []contest
	for _, s := range g.scenarios {
		c := contest{name: s.name, text: s.text, unit: s.unit, yardstick: rig.HandWritten}
		for _, p := range r.Proxies {
			c.contestants = append(c.contestants, contestant{p.Name, p, s})
		}
		all = append(all, c)
	}
	for _, f := range g.features {
		c := contest{name: f.name, text: f.text, unit: f.of[0].unit, yardstick: f.of[0].text}
		for _, s := range f.of {
			c.contestants = append(c.contestants, contestant{s.text, r.Proxies[0], s})
		}
		all = append(all, c)
	}
	return all
}

var onOneRoute = []scenario{
	small("small-1", 1), small("small-64", many), small("small-512", 512),
	{
		name: "small-close", text: "small response, a connection for each request", unit: "req/s",
		plan: load.Plan{Tool: load.Wrk, Host: site.Host(0), Path: "/small", Connections: many, Close: true},
	},
	{
		name: "size-10k", text: "response of 10 KB", unit: "req/s",
		plan: load.Plan{Tool: load.Wrk, Host: site.Host(0), Path: "/10k", Connections: many},
	},
	{
		name: "size-1m", text: "response of 1 MB", unit: "MB/s", times: 1.048576,
		plan: load.Plan{Tool: load.Wrk, Host: site.Host(0), Path: "/1m", Connections: many},
	},
	{
		name: "tls-new", text: "TLS connections with a full handshake, a small request on each", unit: "conn/s", tls: true,
		plan: load.Plan{Tool: load.Handshakes, Host: site.Host(0), Path: "/small", Connections: many},
	},
	{
		name: "tls-resumed", text: "TLS connections that resume a session, a small request on each", unit: "conn/s", tls: true,
		plan: load.Plan{Tool: load.Handshakes, Host: site.Host(0), Path: "/small", Connections: many, Resume: true},
	},
	{
		name: "h2-small", text: "HTTP/2 over TLS, small response, 10 streams on each connection", unit: "req/s", tls: true,
		plan: load.Plan{Tool: load.H2load, Host: site.Host(0), Path: "/small", Connections: many, Streams: 10},
	},
	{
		name: "h2-10k", text: "HTTP/2 over TLS, response of 10 KB, 10 streams on each connection", unit: "req/s", tls: true,
		plan: load.Plan{Tool: load.H2load, Host: site.Host(0), Path: "/10k", Connections: many, Streams: 10},
	},
}

// uploadMB is the length of an upload.
const uploadMB = 100

var ofProtocols = []scenario{
	{
		name: "upload-100m", text: "POST of 100 MB, 4 connections", unit: "MB/s", times: uploadMB,
		plan: load.Plan{Tool: load.Uploads, Host: site.EchoHost, Path: "/", Connections: 4, Body: uploadMB * 1e6},
	},
	{
		name: "websocket", text: "websockets, a message of 64 bytes and its echo", unit: "msg/s",
		plan: load.Plan{Tool: load.Sockets, Host: site.EchoHost, Path: "/", Connections: many},
	},
	called("grpc-unary", "gRPC, unary calls with 32 bytes each way, 10 streams on each connection", site.CallsHost),
}

var onConditions = []scenario{
	header("header-1", site.HeaderHost, "a header", 1),
	header("header-50", site.HeaderHost, "a header", site.RulesPerHost),
	query("query-1", 1),
	query("query-50", site.RulesPerHost),
	header("method-1", site.MethodHost, "the method and a header", 1),
	{
		name: "method-50", text: fmt.Sprintf("small response, %s of %d rules, by the method alone", ordinal(site.RulesPerHost), site.RulesPerHost), unit: "req/s", rule: site.RulesPerHost,
		plan: load.Plan{Tool: load.Wrk, Host: site.MethodHost, Path: "/small", Connections: many},
	},
}

// called makes unary calls of the host.
func called(name, text, host string) scenario {
	return scenario{
		name: name, text: text, unit: "call/s", tls: true,
		plan: load.Plan{
			Tool: load.H2load, Host: host, Path: "/bench.Echo/Say", Connections: many, Streams: 10,
			Headers: []string{"content-type: application/grpc", "te: trailers"}, Body: 32, GRPC: true,
		},
	}
}

func small(name string, connections int) scenario {
	return scenario{
		name: name, text: fmt.Sprintf("small response, %d connections", connections), unit: "req/s",
		plan: load.Plan{Tool: load.Wrk, Host: site.Host(0), Path: "/small", Connections: connections},
	}
}

func routes(name string, n int) scenario {
	return scenario{
		name: name, text: fmt.Sprintf("small response, one of %d routes", n), unit: "req/s",
		plan: load.Plan{Tool: load.Wrk, Host: site.Host(n / 2), Path: "/small", Connections: many},
	}
}

// header asks for what the n-th rule of the host has, counted from 1.
func header(name, host, on string, n int) scenario {
	return scenario{
		name: name, text: fmt.Sprintf("small response, %s of %d rules with conditions on %s", ordinal(n), site.RulesPerHost, on), unit: "req/s", rule: n,
		plan: load.Plan{
			Tool: load.Wrk, Host: host, Path: "/small", Connections: many,
			Headers: []string{site.ConditionHeader + ": " + site.Condition(n-1)},
		},
	}
}

func query(name string, n int) scenario {
	return scenario{
		name: name, text: fmt.Sprintf("small response, %s of %d rules with conditions on a query parameter", ordinal(n), site.RulesPerHost), unit: "req/s", rule: n,
		plan: load.Plan{
			Tool: load.Wrk, Host: site.QueryHost, Connections: many,
			Path: "/small?" + site.ConditionParameter + "=" + site.Condition(n-1),
		},
	}
}

func ordinal(n int) string {
	if n == 1 {
		return "the first"
	}
	return fmt.Sprintf("the %dth", n)
}
