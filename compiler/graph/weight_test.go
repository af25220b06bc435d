package graph

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func endpointsFrom(third byte, n int) []netip.AddrPort {
	var all []netip.AddrPort
	for i := range n {
		all = append(all, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, third, byte(i + 1)}), 80))
	}
	return all
}

func TestWeightsKeepTheProportionsOfTheBackends(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		shares []share
		want   []uint16
	}{
		"endpoints of one backend weigh the same, whatever its weight": {
			shares: []share{{weight: 7, endpoints: endpointsFrom(1, 3)}},
			want:   []uint16{1, 1, 1},
		},
		"weights are as written where each backend has one endpoint": {
			shares: []share{{weight: 9, endpoints: endpointsFrom(1, 1)}, {weight: 1, endpoints: endpointsFrom(2, 1)}},
			want:   []uint16{9, 1},
		},
		"what weights have in common is divided away": {
			shares: []share{{weight: 90, endpoints: endpointsFrom(1, 1)}, {weight: 10, endpoints: endpointsFrom(2, 1)}},
			want:   []uint16{9, 1},
		},
		"a backend's weight is spread over its endpoints": {
			shares: []share{{weight: 1, endpoints: endpointsFrom(1, 3)}, {weight: 1, endpoints: endpointsFrom(2, 2)}},
			want:   []uint16{2, 2, 2, 3, 3},
		},
		"an endpoint of two backends has both weights": {
			shares: []share{{weight: 1, endpoints: endpointsFrom(1, 1)}, {weight: 2, endpoints: endpointsFrom(1, 2)}},
			want:   []uint16{2, 1},
		},
		"a sentinel takes the share of its backend": {
			shares: []share{{weight: 3, endpoints: endpointsFrom(1, 1)}, {weight: 1, endpoints: []netip.AddrPort{invalidBackend}}},
			want:   []uint16{3, 1},
		},
		"proportions beyond an SRV record are cut, and none becomes 0": {
			shares: []share{{weight: 1000000, endpoints: endpointsFrom(1, 1)}, {weight: 1, endpoints: endpointsFrom(2, 1)}},
			want:   []uint16{65535, 1},
		},
		"large proportions stay close": {
			shares: []share{{weight: 1000000, endpoints: endpointsFrom(1, 1)}, {weight: 500001, endpoints: endpointsFrom(2, 1)}},
			want:   []uint16{65535, 32767},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []uint16
			for _, e := range weigh(test.shares) {
				got = append(got, e.Weight)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("weights (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndpointsAreSortedByAddressThenPort(t *testing.T) {
	t.Parallel()
	got := weigh([]share{{weight: 1, endpoints: []netip.AddrPort{
		netip.MustParseAddrPort("[2001:db8::1]:80"), netip.MustParseAddrPort("10.0.0.2:80"),
		netip.MustParseAddrPort("10.0.0.1:81"), netip.MustParseAddrPort("10.0.0.1:80"),
	}}})
	want := []bundle.Endpoint{
		{Address: "10.0.0.1", Port: 80, Weight: 1}, {Address: "10.0.0.1", Port: 81, Weight: 1},
		{Address: "10.0.0.2", Port: 80, Weight: 1}, {Address: "2001:db8::1", Port: 80, Weight: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
}
