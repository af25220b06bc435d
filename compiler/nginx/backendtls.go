package nginx

import (
	"slices"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// systemAuthorities is the file with the authorities of the system, in the
// data plane's image (see the Dockerfile).
const systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

// backendTLS is how nginx connects to an upstream by TLS.
type backendTLS struct {
	// Hostname is asked for, and checked.
	Hostname token.Host
	// Authorities is a file.
	Authorities token.Name
	// ClientCertificate is a file, too; nil where nothing is shown.
	ClientCertificate *token.Name
	// Failed is where requests go for which there was no connection: the
	// stand-ins for endpoints speak no TLS. nil where nobody reads the answer.
	Failed *token.NamedLocation
}

// backendTLS returns how to connect to the upstream; nil for plain text. It
// refuses what nginx cannot check.
func (c *compilation) backendTLS(u *graph.Upstream) (*backendTLS, bool) {
	t := u.TLS
	switch {
	case t == nil:
		return nil, true
	case t.HasAltNames():
		return nil, false
	}
	host, ok := token.NewHost(t.Hostname)
	if !ok {
		return nil, false
	}
	out := &backendTLS{Hostname: host, Authorities: c.authoritiesFile(t.Authorities)}
	if c.clientCertificate != nil {
		out.ClientCertificate = c.certificate(*c.clientCertificate)
	}
	return out, true
}

// hopTLS returns how the hop connects to a backend; nil for plain text.
func (c *compilation) hopTLS(t *graph.BackendTLS) *bundle.HopTLS {
	if t == nil {
		return nil
	}
	out := &bundle.HopTLS{Hostname: t.Hostname, DNSNames: t.DNSNames, URIs: t.URIs}
	if len(t.Authorities) > 0 {
		out.CA = c.addAuthorities(t.Authorities)
	}
	if c.clientCertificate != nil {
		out.ClientCertificate = c.certificatePath(*c.clientCertificate)
	}
	return out
}

// mirrorByHop has the hop send copies, and returns the headers that tell it.
func (c *compilation) mirrorByHop(m graph.Mirror, headers []header) []header {
	c.hopRules[m.HopID] = bundle.HopRule{ID: m.HopID, Backends: []bundle.HopBackend{
		{Upstream: m.Upstream.ID, Weight: 1, HTTP2: m.Upstream.HTTP2, TLS: c.hopTLS(m.Upstream.TLS)},
	}}
	c.hopUpstreams[m.Upstream.ID] = m.Upstream
	if len(headers) == 0 {
		headers = c.commonHeaders().list()
	}
	name, _ := token.NewHeader(bundle.HopHeader)
	id, _ := token.NewValue(token.Text(m.HopID))
	return append(slices.Clone(headers), header{Name: name, Value: id})
}

// authoritiesFile returns the file with the authorities; the system's for none.
func (c *compilation) authoritiesFile(authorities []byte) token.Name {
	path := systemAuthorities
	if len(authorities) > 0 {
		path = c.addAuthorities(authorities)
	}
	file, _ := token.NewName(path)
	return file
}

// failed makes the location that answers for a backend to which there was no
// connection, with the headers that the rule puts into all answers.
func (s *locationSet) failed(c candidate, h handler) *token.NamedLocation {
	name := token.NewNamedLocation(append(s.words(c), "failed")...)
	if !s.jumps[name.String()] {
		s.jumps[name.String()] = true
		failed := handler{CORS: h.CORS, AddHeaders: h.AddHeaders, Failed: &failure{
			NoEndpointsPort: thePod().NoEndpointsPort, InvalidBackendPort: thePod().InvalidBackendPort,
		}}
		s.named = append(s.named, location{Named: &name, Handler: failed})
	}
	return &name
}

// failure answers for an endpoint that was not reached: for a stand-in, with
// what that would have answered.
type failure struct {
	NoEndpointsPort    token.Int
	InvalidBackendPort token.Int
}
