package agent

import (
	"github.com/gatewright/gatewright/agent/hop"
	"github.com/gatewright/gatewright/agent/resolver"
	"github.com/gatewright/gatewright/compiler/bundle"
)

// destinations are what a bundle says about where requests go. They change
// without a reload.
type destinations struct {
	upstreams []bundle.Upstream
	hop       *hop.Table
}

// director tells those who send requests, nginx and the hop, where to.
type director struct {
	resolver *resolver.Server
	hop      *hop.Server
}

// prepare reads the destinations of a bundle that was validated. The error is
// a refusal.
func (d director) prepare(b bundle.Bundle) (destinations, error) {
	table, err := d.hop.Prepare(b)
	if err != nil {
		return destinations{}, refuse("%s", err)
	}
	return destinations{b.Upstreams, table}, nil
}

// use makes the destinations live, and with them those of carried that they
// have not.
func (d director) use(now, carried destinations) error {
	if err := d.hop.Use(now.hop, carried.hop); err != nil {
		return err
	}
	d.resolver.Update(union(now.upstreams, carried.upstreams))
	return nil
}

// candidate is a bundle that is to become live.
type candidate struct {
	bundle.Bundle
	hashes       bundle.Hashes
	hash         string
	destinations destinations
}

func newCandidate(b bundle.Bundle) *candidate {
	hashes := b.Hashes()
	return &candidate{Bundle: b, hashes: hashes, hash: hashes.Whole()}
}
