package bundle

// The paths of the agent's control API, served over mutual TLS on ControlPort.
//
//	PUT  PathBundle   body: an encoded Bundle; answer: State (200 applied,
//	                  422 refused by nginx, 400 unreadable)
//	PATCH PathBundle  body: a Patch as JSON; answer: State (200 applied, 409 when
//	                  its base is not what nginx serves, 400 unreadable)
//	GET  PathState    answer: State
const (
	PathBundle = "/v1/bundle"
	PathState  = "/v1/state"
)

// Ports of the data-plane pod that no listener may use.
const (
	// ControlPort is where the agent takes bundles (mutual TLS).
	ControlPort = 29443
	// HealthPort is where the agent serves /readyz, /livez and /metrics.
	HealthPort = 29444
	// NoEndpointsPort is the loopback server of nginx that answers 503, the
	// sentinel of an upstream without ready endpoints.
	NoEndpointsPort = 29503
	// InvalidBackendPort is the loopback server of nginx that answers 500, the
	// sentinel of an invalid backendRef.
	InvalidBackendPort = 29500
	// ClosedPort is the loopback server of nginx that closes connections and
	// drops datagrams: the sentinel of a TLSRoute's, TCPRoute's or UDPRoute's
	// upstream, where no endpoint is ready and for an invalid backendRef.
	ClosedPort = 29501
	// BehindHTTPPort is where nginx takes the HTTPS connections of a port that it
	// shares with listeners of protocol TLS, BehindTLSPort those that it is to
	// decrypt for TLSRoutes. Each such port has a loopback address of its own.
	BehindHTTPPort = 29510
	BehindTLSPort  = 29511
	// ResolverPort is the loopback port on which the agent answers nginx's SRV
	// and A/AAAA queries.
	ResolverPort = 29053
	// StatusPort is the loopback server of nginx with stub_status.
	StatusPort = 29080
)

// ServiceName and Zone form the SRV name of an upstream, as nginx asks for it
// (`server <id>.<Zone> service=<ServiceName> resolve`):
// _http._tcp.<id>.upstream.gatewright.
const (
	ServiceName = "http"
	Zone        = "upstream.gatewright"
)

// The directories of the data-plane pod.
const (
	// RunDir is the pod's writable directory, an emptyDir in memory.
	RunDir = "/run/gatewright"
	// ConfDir is a symlink to the live generation's directory; nginx runs with
	// -c ConfDir/nginx.conf, and its includes are relative to it.
	ConfDir = RunDir + "/conf"
	// CertDir holds the certificates under stable names, whichever generation
	// is live, so that nginx picks a renewed one up without a reload. A
	// certificate File with Path "certs/x.pem" lies at RunDir/certs/x.pem.
	CertDir = RunDir + "/certs"
	// StoredDir is where the Secret with the last good bundle is mounted.
	StoredDir = "/etc/gatewright/bundle"
	// StoredKey is the key of the encoded bundle in that Secret.
	StoredKey = "bundle.json.gz"
	// IdentityDir is where the Secret with the pod's TLS identity is mounted:
	// tls.crt, tls.key, ca.crt.
	IdentityDir = "/etc/gatewright/identity"
)

// OperatorIdentity is the DNS name in the operator's client certificate; the
// agent accepts bundles from no other.
const OperatorIdentity = "operator.gatewright.dev"

// State is what a data plane says of itself.
type State struct {
	// Hash and ConfigHash are those of the bundle that nginx serves now; empty
	// when there is none yet.
	Hash       string `json:"hash"`
	ConfigHash string `json:"configHash"`
	// Generation is the Gateway's generation of that bundle.
	Generation int64 `json:"generation"`
	// ListenerSets are the generations of the ListenerSets in that bundle.
	ListenerSets map[string]int64 `json:"listenerSets,omitempty"`
	// Refused is set when the newest pushed bundle was not applied; the bundle
	// named by Hash lives on.
	Refused *Refusal `json:"refused,omitempty"`
	// Reloads counts nginx reloads since the pod started.
	Reloads int64 `json:"reloads"`
	// Drains are the newest reloads that concerned open websockets, oldest first,
	// MaxDrains at most. Each appears some seconds after its reload.
	Drains []Drain `json:"drains,omitempty"`
}

// MaxDrains bounds State.Drains.
const MaxDrains = 8

// Drain is what one reload meant for websockets that were open then. Other
// connections that take long, such as downloads and event streams, count as
// websockets: nginx does not tell them apart.
type Drain struct {
	// Reload is which of State.Reloads it was, from 1.
	Reload int64 `json:"reload"`
	// Websockets is how many were left to the workers that it replaced.
	Websockets int `json:"websockets"`
	// Seconds is how long these may live on (worker_shutdown_timeout).
	Seconds int64 `json:"seconds"`
	// Cut is how many older ones it ended before their time: only so many
	// generations of workers may drain at once.
	Cut int `json:"cut,omitempty"`
}

// Refusal tells why a bundle was not applied.
type Refusal struct {
	// Hash is that of the refused bundle.
	Hash string `json:"hash"`
	// Message is nginx's own words (the severe lines of its log, bounded),
	// or what was wrong with a file.
	Message string `json:"message"`
}
