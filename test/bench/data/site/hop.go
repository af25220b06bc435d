package site

// Hosts of Hop: pairs of a rule that nginx serves alone and of such that differ
// from it in one thing, which takes the agent's hop.
var (
	// PlainHost has one backend.
	PlainHost = host("plain")
	// SplitHost has two backends.
	SplitHost = host("split")
	// RequestHost has a timeout of requests, which is never reached.
	RequestHost = host("request")
	// AttemptHost has a timeout of attempts, which is never reached.
	AttemptHost = host("attempt")
	// RetryHost has retries, which are never needed.
	RetryHost = host("retry")
	// FiltersHost has two backends of which one has a filter.
	FiltersHost = host("filters")
	// AsksHost asks an authorization server by HTTP, which lets everybody in.
	AsksHost = host("asks")
	// AuthorizedCallsHost asks one by gRPC.
	AuthorizedCallsHost = host("calls")
	// TLSHost has a backend with TLS.
	TLSHost = host("tls")
	// NamesHost has one with a list of subject alternative names.
	NamesHost = host("names")
	// UnaryHost is of a GRPCRoute.
	UnaryHost = host("unary")
	// CopiesHost is of one that copies each call.
	CopiesHost = host("copies")
)

// BackendName is what backends with TLS are called in their certificate.
const BackendName = "backend." + Zone

// Hop has rules that take the agent's hop, beside such that do not. It is served
// by Gatewright alone.
func Hop() Site {
	s := Site{Name: "the hop", hop: true}
	for _, name := range []string{"plain", "request", "attempt", "retry"} {
		s.add(name, FilesPort, Rule{})
	}
	for _, name := range []string{"split", "filters", "asks"} {
		s.add(name, FilesPort, Rule{}, Rule{})
	}
	s.add("calls", FilesPort, Rule{}, Rule{})
	s.Routes[len(s.Routes)-1].Rules[1].Port = CallsPort
	s.add("tls", TLSPort, Rule{})
	s.add("names", TLSPort, Rule{})
	s.add("unary", CallsPort, Rule{})
	s.add("copies", CallsPort, Rule{}, Rule{})
	return s
}

// TakesHop says whether rules of the site take the agent's hop.
func (s Site) TakesHop() bool { return s.hop }
