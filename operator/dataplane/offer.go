package dataplane

import (
	"sync"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// Offer is a bundle that a Gateway's pods are to serve. It is immutable, hashed
// once, and encoded at most once for all pods.
type Offer struct {
	Bundle bundle.Bundle
	Hash   string
	// ConfigHash moves with the routing, not with endpoints or certificates.
	ConfigHash string

	encode func() ([]byte, error)
}

// NewOffer returns the offer of the bundle, which nobody may change any more.
func NewOffer(b bundle.Bundle) *Offer {
	return &Offer{Bundle: b, Hash: b.Hash(), ConfigHash: b.ConfigHash(), encode: sync.OnceValues(b.Encode)}
}

// Encoded returns the bundle's wire form.
func (o *Offer) Encoded() ([]byte, error) { return o.encode() }
