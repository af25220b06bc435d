package nginx

import "github.com/gatewright/gatewright/compiler/nginx/token"

// The types below are what templates see: tokens, flags, and structs and lists
// of them, never a string. A pointer is nil where a directive is left out.

// configuration is one nginx configuration.
type configuration struct {
	Pod              pod
	DrainTimeout     token.Duration
	IdleTimeout      token.Duration
	CertificateCache token.Int
	ServerNamesHash  token.Int
	ProxyHeaders     []header
	QueryParameters  []queryParameter
	ServerNames      []serverNames
	OriginLists      []originList
	AllowedOrigins   []allowedOrigins
	// AnswersPreflight says that a location does CORS.
	AnswersPreflight bool
	// Mirrors says that a location copies requests, Shares has the shares.
	Mirrors bool
	Shares  []share
	// CountsWebSockets says that a location limits their number.
	CountsWebSockets bool
	Upstreams        []upstream
	// Hop is where the agent's hop listens; nil where no rule needs it.
	Hop     *token.Name
	Servers []server
	// SharedPorts are those whose connections the stream block takes first.
	SharedPorts []sharedPort
	// Streams is nil where there are no listeners of protocol TLS, TCP or UDP.
	Streams *streams
}

// sharedPort is a port at which nginx decides by the server name who gets a
// connection, with the loopback address where the http block takes its own.
type sharedPort struct {
	Port    token.Int
	Address token.Name
}

// pod is what all data planes have in common.
type pod struct {
	RunDir             token.Name
	ResolverPort       token.Int
	StatusPort         token.Int
	NoEndpointsPort    token.Int
	InvalidBackendPort token.Int
	ClosedPort         token.Int
}

// header is a header with its value.
type header struct {
	Name  token.Header
	Value token.Value
}

// queryParameter is a map that finds a query parameter.
type queryParameter struct {
	Variable token.Variable
	Pattern  token.Regex
}

// serverNames is a map from the server name of a TLS handshake on one port to
// the listener that owns it.
type serverNames struct {
	Variable token.Variable
	// Default is the listener without a hostname.
	Default   *token.Int
	Listeners []serverNameListener
}

type serverNameListener struct {
	Hostname token.MapHost
	Index    token.Int
}

// upstream is an upstream whose members come from DNS.
type upstream struct {
	ID       token.Name
	ZoneSize token.Size
	Service  token.Name
	Zone     token.Name
	// Idle is how many connections each worker keeps for a next request (keepalive
	// of ngx_http_upstream_module).
	Idle token.Int
	// Sticky binds clients to members; nil where it does not.
	Sticky *sticky
}

// server is a server block.
type server struct {
	Port token.Int
	// Behind is where the server takes connections that another one at the port
	// passes on; nil where it listens itself.
	Behind  *token.Address
	TLS     bool
	Default bool
	// Names is empty for the default server of a port.
	Names           []token.Host
	RejectHandshake bool
	Certificate     *token.Name
	// Sessions is a cache of TLS sessions; nil where the common one is right.
	Sessions           *token.Name
	ClientCertificates *clientCertificates
	// AnyCertificate has the server ask for a certificate where any will do; it
	// is where requests go whose certificate nginx minds all the same.
	AnyCertificate *token.NamedLocation
	Misdirected    *misdirected
	Locations      []location
}

// misdirected tells which listener must have made the TLS handshake.
type misdirected struct {
	Variable token.Variable
	Listener token.Int
}

// location is a location block; exactly one of the first five is set.
type location struct {
	Exact  *token.Path
	Prefix *token.Path
	Regex  *token.Regex
	Named  *token.NamedLocation
	// Internal is for requests that nginx itself makes.
	Internal *token.Internal

	Choices []choice
	Handler handler
}

// choice sends requests that meet a condition to a named location.
type choice struct {
	// Key, where set, is put into the variable gw_key first; else what the choices
	// before have left there holds. Each of Flags that holds adds a plus sign to it.
	Key       *token.Value
	Flags     []condition
	Condition condition
	Target    token.NamedLocation
}

// condition compares a variable with exactly one of Equal and Pattern.
type condition struct {
	Variable token.Variable
	Equal    *token.Value
	Pattern  *token.Regex
}

// handler is what a location does with a request; exactly one of Jump, Return,
// Redirect, Failed, Proxy and Mirrored is set.
type handler struct {
	CORS       *cors
	AddHeaders []header
	Jump       *token.NamedLocation
	Return     *token.Int
	Redirect   *redirect
	Failed     *failure
	Proxy      *proxy
	Mirrored   *mirrored
}

// redirect answers with a Location.
type redirect struct {
	// Rest, where set, must match the path as the client encoded it, and
	// captures what follows a prefix.
	Rest     *token.Regex
	Code     token.Int
	Location token.Value
}

// proxy passes the request to an upstream.
type proxy struct {
	Upstream token.Name
	// TLS is nil where the upstream speaks plain text.
	TLS        *backendTLS
	WebSockets *webSockets
	Rewrite    *rewrite
	// Headers to the backend, all of them: empty where the common ones are
	// right.
	Headers     []header
	HideHeaders []token.Header
	// IdleTimeout is nil where the common one is right.
	IdleTimeout *token.Duration
	// ClientTimeout is how long the client may neither send nor read; nil where
	// nginx's own minute is right.
	ClientTimeout *token.Duration
	// HTTP2 says that the upstream speaks HTTP/2, Trailers that answers end with
	// headers, as those of gRPC do.
	HTTP2, Trailers bool
	// Mirrors are the locations that copies are sent from.
	Mirrors []token.Internal
}

// rewrite replaces the path.
type rewrite struct {
	Base token.Value
	Path token.Regex
	// KeepRest appends what Path captured.
	KeepRest bool
}
