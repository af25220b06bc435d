package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// Patch is what has changed between two bundles that differ in endpoints of
// nginx alone.
type Patch struct {
	// Base is the hash of the bundle that it applies to, Next that of the bundle
	// that follows.
	Base string `json:"base"`
	Next string `json:"next"`
	// Upstreams are those of Base whose endpoints are others, sorted by ID.
	Upstreams []Upstream `json:"upstreams"`
}

// sum stands for a table of endpoints, in any order: what is added for an
// upstream can be taken away again without a look at the others. It is not for
// those who search for two tables of one sum.
type sum [4]uint64

func sumOf(table []Upstream) sum {
	var s sum
	for _, u := range table {
		s = s.with(u)
	}
	return s
}

func (s sum) with(u Upstream) sum {
	for i, lane := range lanesOf(u) {
		s[i] += lane
	}
	return s
}

func (s sum) without(u Upstream) sum {
	for i, lane := range lanesOf(u) {
		s[i] -= lane
	}
	return s
}

// lanesOf hashes one upstream. Every field has its length before it, so that no
// other upstream gives the same bytes.
func lanesOf(u Upstream) [4]uint64 {
	data := make([]byte, 0, 32+24*len(u.Endpoints))
	data = appendText(data, u.ID)
	for _, e := range u.Endpoints {
		data = appendText(data, e.Address)
		data = binary.BigEndian.AppendUint16(data, e.Port)
		data = binary.BigEndian.AppendUint16(data, e.Weight)
	}
	digest := sha256.Sum256(data)
	var lanes [4]uint64
	for i := range lanes {
		lanes[i] = binary.BigEndian.Uint64(digest[8*i:])
	}
	return lanes
}

func appendText(data []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(data, uint32(len(text))), text...)
}

// Hashes are those of a bundle, in parts: those of one with other endpoints
// follow from them without the rest of it.
type Hashes struct {
	// Config is the ConfigHash.
	Config string
	// rest stands for all but files and Upstreams.
	rest      string
	endpoints sum
}

// Hashes returns the hashes of the bundle.
func (b Bundle) Hashes() Hashes {
	h := Hashes{Config: b.ConfigHash(), endpoints: sumOf(b.Upstreams)}
	b.Files, b.Upstreams = nil, nil
	h.rest = hashOf(b)
	return h
}

// Whole is the Hash of the bundle.
func (h Hashes) Whole() string {
	data := appendText(appendText(nil, h.Config), h.rest)
	for _, lane := range h.endpoints {
		data = binary.BigEndian.AppendUint64(data, lane)
	}
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])[:32]
}

// Replace returns a table with other endpoints for those of its upstreams that
// are among the given ones, the hashes of its bundle then, and which of them are
// others than before. The tables are sorted by ID; the old one stays as it is.
func Replace(table []Upstream, h Hashes, with []Upstream) (next []Upstream, after Hashes, changed []Upstream) {
	for _, u := range with {
		i, known := slices.BinarySearchFunc(table, u.ID, func(u Upstream, id string) int { return strings.Compare(u.ID, id) })
		if !known || slices.Equal(table[i].Endpoints, u.Endpoints) {
			continue
		}
		if changed == nil {
			next = slices.Clone(table)
		}
		h.endpoints = h.endpoints.without(next[i]).with(u)
		next[i] = u
		changed = append(changed, u)
	}
	if changed == nil {
		next = table
	}
	return next, h, changed
}
