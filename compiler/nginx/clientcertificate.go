package nginx

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// clientCertificates has a server ask clients for a certificate.
type clientCertificates struct {
	// Authorities is a file of the bundle.
	Authorities token.Name
	// Closed is where requests of others go: their connections are closed.
	Closed token.NamedLocation
}

// clientValidation returns what the servers of a port ask of clients, and the
// name of their cache of TLS sessions; nil where they ask for nothing. Servers
// of a port share one cache, since nginx looks a session up before it knows the
// server. Its name depends on the authorities, so that no session outlives the
// trust that it was made with.
func (c *compilation) clientValidation(p *port) (asked *clientCertificates, sessions *token.Name) {
	if len(p.listeners) == 0 || p.listeners[0].ClientValidation == nil || p.listeners[0].ClientValidation.Insecure {
		return nil, nil
	}
	authorities := p.listeners[0].ClientValidation.Authorities
	file, _ := token.NewName(c.addAuthorities(authorities))
	cache, _ := token.NewName("gw_tls_" + authoritiesID(authorities))
	return &clientCertificates{Authorities: file, Closed: token.NewNamedLocation("closed")}, &cache
}

// anyCertificate returns where requests go whose certificate nginx minds, at
// ports where any will do; nil at others.
func anyCertificate(p *port) *token.NamedLocation {
	if len(p.listeners) == 0 || p.listeners[0].ClientValidation == nil || !p.listeners[0].ClientValidation.Insecure {
		return nil
	}
	return new(token.NewNamedLocation("anyone"))
}

// addAuthorities puts authorities into the bundle, and returns their path there.
func (c *compilation) addAuthorities(authorities []byte) string {
	path := "ca/" + authoritiesID(authorities) + ".pem"
	c.authorities[path] = authorities
	return path
}

func authoritiesID(authorities []byte) string {
	sum := sha256.Sum256(authorities)
	return hex.EncodeToString(sum[:8])
}
