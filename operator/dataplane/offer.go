package dataplane

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// maxPatches is how many changes of endpoints a pod may be behind and still get
// no more than these.
const maxPatches = 256

// Offer is a bundle that a Gateway's pods are to serve. It is immutable, hashed
// once, and encoded at most once for all pods.
type Offer struct {
	Bundle bundle.Bundle
	Hash   string
	// ConfigHash moves with the routing, not with endpoints or certificates.
	ConfigHash string

	hashes bundle.Hashes
	encode func() ([]byte, error)
	// lineage are the offers before this one that differ in endpoints alone, the
	// oldest first.
	lineage []ancestor
}

// ancestor is an earlier offer, and what its successor has instead.
type ancestor struct {
	hash    string
	changed []bundle.Upstream
}

// NewOffer returns the offer of the bundle, which nobody may change any more.
func NewOffer(b bundle.Bundle) *Offer { return offerOf(b, b.Hashes()) }

func offerOf(b bundle.Bundle, h bundle.Hashes) *Offer {
	return &Offer{Bundle: b, Hash: h.Whole(), ConfigHash: h.Config, hashes: h, encode: sync.OnceValues(b.Encode)}
}

// Encoded returns the bundle's wire form.
func (o *Offer) Encoded() ([]byte, error) { return o.encode() }

// Patched returns the offer with these endpoints, of those upstreams that the
// bundle has; the same offer where that makes no difference.
func (o *Offer) Patched(upstreams []bundle.Upstream) *Offer {
	b := o.Bundle
	table, hashes, changed := bundle.Replace(b.Upstreams, o.hashes, upstreams)
	if len(changed) == 0 {
		return o
	}
	b.Upstreams = table
	next := offerOf(b, hashes)
	lineage := o.lineage[max(0, len(o.lineage)-maxPatches):]
	next.lineage = append(slices.Clip(lineage), ancestor{o.Hash, changed})
	return next
}

// After returns the offer as the one that comes after another, which may be nil:
// the other where they are equal. Where they differ in endpoints alone, pods get
// no more than these.
func (o *Offer) After(before *Offer) *Offer {
	if before == nil {
		return o
	}
	if patched := before.Patched(o.Bundle.Upstreams); patched.Hash == o.Hash {
		return patched
	}
	return o
}

// Resembles says that the bundle of that hash is the offer's, or one before it
// that differs in endpoints alone: what nginx says of the one holds for the other.
func (o *Offer) Resembles(hash string) bool {
	return o.Hash == hash || slices.ContainsFunc(o.lineage, func(a ancestor) bool { return a.hash == hash })
}

// Patch returns what a pod needs that serves the bundle of that hash; false where
// that is nothing, or all of the bundle.
func (o *Offer) Patch(base string) (bundle.Patch, bool) {
	from := slices.IndexFunc(o.lineage, func(a ancestor) bool { return a.hash == base })
	if from < 0 || base == o.Hash {
		return bundle.Patch{}, false
	}
	newest := map[string]bundle.Upstream{}
	for _, a := range o.lineage[from:] {
		for _, u := range a.changed {
			newest[u.ID] = u
		}
	}
	changed := slices.SortedFunc(maps.Values(newest), func(x, y bundle.Upstream) int { return strings.Compare(x.ID, y.ID) })
	return bundle.Patch{Base: base, Next: o.Hash, Upstreams: changed}, true
}
