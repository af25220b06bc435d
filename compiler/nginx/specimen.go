package nginx

import (
	"time"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// specimen returns a configuration in which every optional part is present,
// for trying templates.
func specimen() configuration {
	name, _ := token.NewName("specimen")
	host, _ := token.NewHost("specimen.example.com")
	path, _ := token.NewPath("/specimen")
	pattern, _ := token.PathPattern("/specimen")
	value := *joined(token.Text("specimen"))
	named := token.NewNamedLocation("specimen")
	internal := token.NewInternal("specimen")
	one, second := token.NewInt(1), token.NewDuration(time.Second)
	c := &compilation{upstreams: map[string]*graph.Upstream{"specimen": {}}, query: []string{"specimen"}}
	lines := c.commonHeaders().list()
	c.sticky = map[string]*sticky{"specimen": specimenSession(name, one)}
	exact, _, _ := token.WebSocketOrigin("https", "specimen.example.com", 0)
	sockets := webSockets{Forbidden: new(token.Upgrade), Limit: &webSocketLimit{Counter: value, Max: one}}
	equal, matching := condition{Variable: token.Key, Equal: &value}, condition{Variable: token.URI, Pattern: &pattern}
	choices := []choice{{Key: &value, Flags: []condition{equal, matching}, Condition: equal, Target: named}}
	return configuration{
		Pod: thePod(), DrainTimeout: second, IdleTimeout: second,
		CertificateCache: one, ServerNamesHash: one,
		ProxyHeaders:    lines,
		QueryParameters: c.queryParameters(),
		OriginLists: []originList{{
			Variable: token.ForeignOrigin(0), Exact: []token.MapText{exact}, Subdomains: []token.Regex{pattern},
		}},
		AllowedOrigins: []allowedOrigins{{
			Variable: token.AllowedOrigin(0), Exact: []token.MapText{exact}, Several: []token.Regex{pattern},
		}},
		AnswersPreflight: true,
		Mirrors:          true,
		Shares:           []share{{Variable: token.Sample(0), Percent: token.NewPercent(1)}},
		CountsWebSockets: true,
		ServerNames: []serverNames{{
			Variable: token.ServerNameListener(443), Default: &one,
			Listeners: []serverNameListener{{Hostname: token.NewMapHost(host), Index: one}},
		}},
		Upstreams: c.upstreamBlocks(), Hop: &name,
		SharedPorts: []sharedPort{{Port: one, Address: name}},
		Streams: &streams{
			Pod: thePod(), CertificateCache: one, ServerNamesHash: one,
			Upstreams: []streamUpstream{{c.upstreamBlocks()[0], true}},
			Servers: []streamServer{
				{Port: one, Default: true, Preread: true, Pass: behind(1, 1)},
				{Port: one, UDP: true, Closed: true},
				{
					Port: one, Behind: behind(1, 1), Names: []token.Host{host},
					Certificate: &name, Sessions: &name, Authorities: &name,
					Proxy: &streamProxy{Upstream: name, IdleTimeout: second, OneAnswer: true, HalfClose: true,
						TLS: &backendTLS{Hostname: host, Authorities: name, ClientCertificate: &name, Failed: &named}},
				},
			},
		},
		Servers: []server{{
			Port: one, Behind: behind(1, 1), TLS: true, Default: true, Names: []token.Host{host},
			RejectHandshake: true, Certificate: &name,
			Sessions: &name, ClientCertificates: &clientCertificates{Authorities: name, Closed: named}, AnyCertificate: &named,
			Misdirected: &misdirected{Variable: token.ServerNameListener(443), Listener: one},
			Locations: []location{
				{Exact: &path, Choices: choices, Handler: handler{Jump: &named}},
				{Prefix: &path, Handler: handler{Return: &one}},
				{Regex: &pattern, Handler: handler{
					AddHeaders: lines,
					Redirect:   &redirect{Rest: &pattern, Code: one, Location: value},
				}},
				{Named: &named, Handler: handler{CORS: &cors{
					Allowed: new(token.AllowedOrigin(0)), Settings: []setting{{Variable: token.CORSMethods, Value: value}}, Preflight: lines,
				}, Proxy: &proxy{HTTP2: true, Trailers: true, ClientTimeout: &second,
					Upstream: name, TLS: &backendTLS{Hostname: host, Authorities: name, ClientCertificate: &name, Failed: &named},
					WebSockets: &sockets,
					Rewrite:    &rewrite{Base: value, Path: pattern, KeepRest: true},
					Headers:    lines, HideHeaders: []token.Header{lines[0].Name}, IdleTimeout: &second,
					Mirrors: []token.Internal{internal},
				}}},
				{Named: &named, Handler: handler{Failed: &failure{NoEndpointsPort: one, InvalidBackendPort: one}}},
				{Internal: &internal, Handler: handler{Mirrored: &mirrored{HTTP2: true,
					Sample: new(token.Sample(0)), Upstream: name, TLS: &backendTLS{Hostname: host, Authorities: name}, Headers: lines,
					Rewrite: &rewrite{Base: value, Path: pattern, KeepRest: true},
				}}},
				{Prefix: &path, Handler: handler{Mirrored: &mirrored{Upstream: name}}},
			},
		}},
	}
}

func specimenSession(name token.Name, seconds token.Int) *sticky {
	path, _ := token.NewCookiePath("/specimen")
	return &sticky{Cookie: name, Path: path, Secure: true, Seconds: &seconds, Drained: &name}
}
