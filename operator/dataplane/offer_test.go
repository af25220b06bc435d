package dataplane_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/operator/dataplane"
)

func upstream(id, address string) bundle.Upstream {
	return bundle.Upstream{ID: id, Endpoints: []bundle.Endpoint{{Address: address, Port: 80, Weight: 1}}}
}

func table(a, b string) bundle.Bundle {
	return bundle.Bundle{
		Gateway: "infra/home", Files: []bundle.File{{Path: "nginx.conf", Data: []byte("events {}")}},
		Upstreams: []bundle.Upstream{upstream("a", a), upstream("b", b)},
	}
}

func TestAPodThatIsBehindGetsTheNewestEndpointsInOnePatch(t *testing.T) {
	t.Parallel()
	first := dataplane.NewOffer(table("10.0.0.1", "10.0.0.1"))
	second := first.Patched([]bundle.Upstream{upstream("a", "10.0.0.2"), upstream("stranger", "10.0.0.2")})
	third := second.Patched([]bundle.Upstream{upstream("b", "10.0.0.3"), upstream("a", "10.0.0.3")})

	if want := dataplane.NewOffer(table("10.0.0.3", "10.0.0.3")).Hash; third.Hash != want {
		t.Errorf("the hash is %s, that of the same bundle made anew %s", third.Hash, want)
	}
	got, ok := third.Patch(first.Hash)
	want := bundle.Patch{Base: first.Hash, Next: third.Hash, Upstreams: []bundle.Upstream{upstream("a", "10.0.0.3"), upstream("b", "10.0.0.3")}}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("patch %v (-want +got):\n%s", ok, diff)
	}
	if third.Patched([]bundle.Upstream{upstream("a", "10.0.0.3")}) != third {
		t.Error("endpoints that are as before make another offer")
	}
	if _, ok := third.Patch("unknown"); ok {
		t.Error("there is a patch for a bundle that nobody knows")
	}
}

func TestWhoIsFarBehindGetsTheWholeBundle(t *testing.T) {
	t.Parallel()
	first := dataplane.NewOffer(table("10.0.0.1", "10.0.0.1"))
	last := first
	for i := range 1000 {
		last = last.Patched([]bundle.Upstream{upstream("a", fmt.Sprintf("10.0.1.%d", 1+i%200))})
	}
	if _, ok := last.Patch(first.Hash); ok {
		t.Error("changes are kept for ever")
	}
}

func TestABundleThatFollowsIsAPatchWhereNothingButEndpointsDiffers(t *testing.T) {
	t.Parallel()
	first := dataplane.NewOffer(table("10.0.0.1", "10.0.0.1"))
	moved := dataplane.NewOffer(table("10.0.0.2", "10.0.0.1")).After(first)
	if _, ok := moved.Patch(first.Hash); !ok || !moved.Resembles(first.Hash) {
		t.Error("other endpoints make for a whole bundle")
	}
	routed := table("10.0.0.2", "10.0.0.1")
	routed.Files = []bundle.File{{Path: "nginx.conf", Data: []byte("events { }")}}
	offer := dataplane.NewOffer(routed).After(moved)
	if _, ok := offer.Patch(moved.Hash); ok || offer.Resembles(moved.Hash) || offer.Hash != routed.Hash() {
		t.Error("another configuration makes for a patch")
	}
	if same := dataplane.NewOffer(table("10.0.0.2", "10.0.0.1")).After(moved); same != moved {
		t.Error("the same bundle makes for another offer")
	}
}

func TestEndpointsThatComeBackNeedNoPatchOfWhatIsServed(t *testing.T) {
	t.Parallel()
	first := dataplane.NewOffer(table("10.0.0.1", "10.0.0.1"))
	second := first.Patched([]bundle.Upstream{upstream("a", "10.0.0.2")})
	back := second.Patched([]bundle.Upstream{upstream("a", "10.0.0.1")})
	if _, ok := back.Patch(first.Hash); ok || back.Hash != first.Hash {
		t.Error("a patch leads from a bundle to itself")
	}
	p, ok := back.Patch(second.Hash)
	if diff := cmp.Diff([]bundle.Upstream{upstream("a", "10.0.0.1")}, p.Upstreams); !ok || diff != "" {
		t.Errorf("patch %v (-want +got):\n%s", ok, diff)
	}
}
