package site

import (
	"fmt"
)

// Zone is the domain of all hosts, and Certificate's wildcard is for it.
const Zone = "bench.example.net"

// Ports of the backends. Each listens at them on all addresses.
const (
	// FilesPort answers with bodies of fixed sizes.
	FilesPort = 8080
	// TLSPort answers like FilesPort, over TLS.
	TLSPort = 8443
	// EchoPort echoes websockets and swallows uploads.
	EchoPort = 8081
	// CallsPort answers calls of gRPC, over HTTP/2 without TLS.
	CallsPort = 8082
)

// Site is what every proxy serves, on one port without TLS and one with it.
type Site struct {
	Name   string
	Routes []Route
	// hop says that its manifests are those of the hop.
	hop bool
}

// Route is a host.
type Route struct {
	Name, Host string
	// GRPC says that the backends speak HTTP/2.
	GRPC bool
	// WebSockets says that upgrades are passed on. Gatewright need not be told.
	WebSockets bool
	// Rules are in order of precedence.
	Rules []Rule
}

// Rule sends requests that fulfil all its conditions to its backend. Empty ones
// are none.
type Rule struct {
	// Method is that of the request.
	Method string
	// Header is the value of the request header ConditionHeader.
	Header string
	// Query is the value of the query parameter ConditionParameter.
	Query string

	// Name is that of the backend, unique in the site.
	Name string
	// Address of the backend, an IPv4 address of its own.
	Address string
	Port    int
}

// What conditions of rules look at.
const (
	ConditionHeader    = "X-Rule"
	ConditionParameter = "rule"
)

// Backend is where the rule's endpoint listens.
func (r Rule) Backend() string { return fmt.Sprintf("%s:%d", r.Address, r.Port) }

// New returns a site of that many hosts, each with one rule and a backend of its
// own, which has files.
func New(routes int) Site {
	s := Site{Name: fmt.Sprintf("%d routes", routes)}
	for i := range routes {
		s.add(fmt.Sprintf("app-%05d", i), FilesPort, Rule{})
	}
	return s
}

// Host is that of the i-th route of New.
func Host(i int) string { return host(fmt.Sprintf("app-%05d", i)) }

func host(name string) string { return name + "." + Zone }

// Hosts of Protocols and Conditions.
var (
	EchoHost   = host("echo")
	CallsHost  = host("calls")
	HeaderHost = host("header")
	QueryHost  = host("query")
	MethodHost = host("method")
)

// Protocols has a host for websockets and uploads, and one for gRPC.
func Protocols() Site {
	s := Site{Name: "protocols"}
	s.add("echo", EchoPort, Rule{})
	s.add("calls", CallsPort, Rule{})
	s.Routes[0].WebSockets, s.Routes[1].GRPC = true, true
	return s
}

// RulesPerHost is how many rules each host of Conditions has.
const RulesPerHost = 50

// Conditions has hosts with many rules each, whose conditions are on a header, on
// a query parameter, and on the method. A request to MethodHost fulfils the first
// rule by the method GET and the header, and by the method alone the last.
func Conditions() Site {
	s := Site{Name: "conditions"}
	var header, query, method []Rule
	for i := range RulesPerHost {
		header = append(header, Rule{Header: Condition(i)})
		query = append(query, Rule{Query: Condition(i)})
		method = append(method, Rule{Method: "POST", Header: Condition(i)})
	}
	method[0].Method = "GET"
	method[RulesPerHost-1] = Rule{Method: "GET"}
	s.add("header", FilesPort, header...)
	s.add("query", FilesPort, query...)
	s.add("method", FilesPort, method...)
	return s
}

// Condition is what the i-th rule of a host asks for, counted from 0.
func Condition(i int) string { return fmt.Sprintf("value-%d", i) }

// Rule returns the n-th rule of the host, counted from 1.
func (s Site) Rule(host string, n int) (Rule, bool) {
	for _, r := range s.Routes {
		if r.Host == host && n <= len(r.Rules) {
			return r.Rules[n-1], true
		}
	}
	return Rule{}, false
}

func (s *Site) add(name string, port int, rules ...Rule) {
	count := 0
	for _, r := range s.Routes {
		count += len(r.Rules)
	}
	s.Routes = append(s.Routes, Route{Name: name, Host: host(name)})
	r := &s.Routes[len(s.Routes)-1]
	for i, rule := range rules {
		rule.Name = fmt.Sprintf("%s-%02d", name, i)
		rule.Address, rule.Port = address(count+i), port
		r.Rules = append(r.Rules, rule)
	}
}

func address(i int) string { return fmt.Sprintf("10.42.%d.%d", i/250, 1+i%250) }
