package resolver

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestNameOfAnAddressIsReversible(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"10.0.0.1", "255.255.255.255", "0.0.0.0", "::", "::1", "fd00::1:2", "2001:db8:1:2:3:4:5:6"} {
		address := netip.MustParseAddr(text)
		got, ok := addressOf(addressName(address))
		if !ok || got != address {
			t.Errorf("%s became %s, %v", address, got, ok)
		}
	}
}

func FuzzAddressOf(f *testing.F) {
	f.Add("10-0-0-1.ip.gatewright.")
	f.Add("fd00-0-0-0-0-0-0-1.ip.gatewright.")
	f.Add("-.ip.gatewright.")
	f.Fuzz(func(t *testing.T, name string) {
		address, ok := addressOf(name)
		if !ok {
			return
		}
		if again, ok := addressOf(addressName(address.Unmap().WithZone(""))); !ok || again != address.Unmap().WithZone("") {
			t.Errorf("%q is %s, and its name %q is %s", name, address, addressName(address), again)
		}
	})
}

func TestUpstreamIsReadFromItsSRVName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"_http._tcp.web.upstream.gatewright.":    "web",
		"_http._tcp.a_b-1.upstream.gatewright.":  "a_b-1",
		"_http._tcp.upstream.gatewright.":        "",
		"_http._tcp.a.b.upstream.gatewright.":    "",
		"_https._tcp.web.upstream.gatewright.":   "",
		"web.upstream.gatewright.":               "",
		"_http._tcp.web.upstream.gatewright.org": "",
	} {
		if got, ok := upstreamOf(name); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, ok, want)
		}
	}
}

// Whatever the endpoints are, the record leads to each usable one, with its
// port and weight, exactly as often as it is in the table.
func TestRecordLeadsToEveryUsableEndpointAndToNoOther(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 2))
		var endpoints []bundle.Endpoint
		want := map[string]int{}
		for range random.IntN(900) {
			e := randomEndpoint(random)
			endpoints = append(endpoints, e)
			if a, err := netip.ParseAddr(e.Address); err == nil && e.Weight > 0 {
				want[fmt.Sprint(a.Unmap(), e.Port, e.Weight)]++
			}
		}
		if len(want) == 0 {
			want["127.0.0.1 29503 1"]++
		}
		if diff := cmp.Diff(want, reached(t, newRecord(endpoints)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("seed %d: -want +got\n%s", seed, diff)
		}
	}
}

func randomEndpoint(random *rand.Rand) bundle.Endpoint {
	address := fmt.Sprintf("10.0.%d.%d", random.IntN(4), random.IntN(256))
	switch random.IntN(8) {
	case 0:
		address = fmt.Sprintf("fd00::%x", random.IntN(4096))
	case 1:
		address = "::ffff:" + address
	case 2:
		address = "not an address"
	}
	return bundle.Endpoint{Address: address, Port: uint16(8000 + random.IntN(2)), Weight: uint16(random.IntN(3))}
}

// reached follows the record's targets as nginx does.
func reached(t *testing.T, r *record) map[string]int {
	t.Helper()
	got := map[string]int{}
	if len(r.targets) > maxDirect {
		t.Errorf("%d SRV records", len(r.targets))
	}
	for _, target := range r.targets {
		addresses := r.sets[target.name]
		if a, ok := addressOf(target.name); ok {
			addresses = []netip.Addr{a}
		}
		if size := 60 + 28*len(addresses); size > maxUDP && addresses[0].Is6() || 60+16*len(addresses) > maxUDP {
			t.Errorf("set %s has %d addresses: too many for UDP", target.name, len(addresses))
		}
		for _, a := range addresses {
			got[fmt.Sprint(a, target.port, target.weight)]++
		}
	}
	return got
}

func TestOneEndpointMoreChangesOneSetOfALargeUpstream(t *testing.T) {
	t.Parallel()
	var endpoints []bundle.Endpoint
	for i := range 550 {
		endpoints = append(endpoints, bundle.Endpoint{Address: fmt.Sprintf("10.0.%d.%d", i/256, i%256), Port: 80, Weight: 1})
	}
	before, after := newRecord(endpoints[:549]), newRecord(endpoints)
	changed := 0
	for name := range after.sets {
		if _, ok := before.sets[name]; !ok {
			changed++
		}
	}
	if changed != 1 || len(after.sets) != 6 {
		t.Errorf("%d of %d sets changed", changed, len(after.sets))
	}
}
