package bundle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func randomUpstream(r *rand.Rand, id string) Upstream {
	u := Upstream{ID: id}
	for range 1 + r.IntN(4) {
		u.Endpoints = append(u.Endpoints, Endpoint{Address: fmt.Sprintf("10.0.0.%d", r.IntN(9)), Port: uint16(1 + r.IntN(3)), Weight: uint16(1 + r.IntN(3))})
	}
	return u
}

func TestTheHashAfterPatchesIsThatOfTheWholeBundle(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	b := Bundle{Gateway: "infra/home", Generation: 3, Files: []File{{Path: "nginx.conf", Data: []byte("events {}")}}}
	for i := range 20 {
		b.Upstreams = append(b.Upstreams, randomUpstream(r, fmt.Sprintf("u%02d", i)))
	}
	hashes := b.Hashes()
	for range 200 {
		before, hash := slices.Clone(b.Upstreams), b.Hash()
		next := []Upstream{randomUpstream(r, b.Upstreams[r.IntN(len(b.Upstreams))].ID), randomUpstream(r, "stranger")}
		var changed []Upstream
		table := b.Upstreams
		b.Upstreams, hashes, changed = Replace(table, hashes, next)
		if got, want := hashes.Whole(), b.Hash(); got != want {
			t.Fatalf("the hash is %s, that of the whole bundle %s", got, want)
		}
		if (len(changed) > 0) != (hashes.Whole() != hash) {
			t.Fatalf("%d changes, from hash %s to %s", len(changed), hash, hashes.Whole())
		}
		if diff := cmp.Diff(before, table); diff != "" {
			t.Fatalf("the table before has changed (-before +after):\n%s", diff)
		}
	}
}

func TestTablesThatDifferHaveDifferentSums(t *testing.T) {
	t.Parallel()
	one, two := Endpoint{Address: "10.0.0.1", Port: 80, Weight: 1}, Endpoint{Address: "10.0.0.2", Port: 80, Weight: 1}
	heavy := one
	heavy.Weight = 2
	tables := map[string][]Upstream{
		"nothing":                  nil,
		"no endpoints":             {{ID: "a"}},
		"one endpoint":             {{ID: "a", Endpoints: []Endpoint{one}}},
		"another endpoint":         {{ID: "a", Endpoints: []Endpoint{two}}},
		"another weight":           {{ID: "a", Endpoints: []Endpoint{heavy}}},
		"both endpoints":           {{ID: "a", Endpoints: []Endpoint{one, two}}},
		"both, at two upstreams":   {{ID: "a", Endpoints: []Endpoint{one}}, {ID: "b", Endpoints: []Endpoint{two}}},
		"both, the other way":      {{ID: "a", Endpoints: []Endpoint{two}}, {ID: "b", Endpoints: []Endpoint{one}}},
		"another upstream as well": {{ID: "a", Endpoints: []Endpoint{one}}, {ID: "b"}},
	}
	seen := map[sum]string{}
	for name, table := range tables {
		s := sumOf(table)
		if other, taken := seen[s]; taken {
			t.Errorf("%s and %s have the same sum", name, other)
		}
		seen[s] = name
	}
}
