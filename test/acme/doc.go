// Package acme adds to a lab what issues certificates in a real homelab:
// cert-manager in the cluster and, on a host of the LAN, an ACME server
// (Pebble, of Let's Encrypt) and the name server (Knot) of the domain.
//
// The ACME server proves the control of a name as Let's Encrypt does: HTTP-01
// at port 80 of the address that the name server gives, DNS-01 by a TXT record
// that cert-manager writes there by dynamic update (RFC 2136).
//
// In: a lab. Out: ClusterIssuer letsencrypt-prod, the root that clients must
// trust, and the switch between cert-manager with and without its Gateway API
// support. It must not know what is to be proved.
package acme
