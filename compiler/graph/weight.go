package graph

import (
	"cmp"
	"math/big"
	"net/netip"
	"slices"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// maxWeight is the largest weight of an SRV record (RFC 2782).
const maxWeight = 65535

// share is the part of a rule's requests that goes to one backend, spread
// evenly over its endpoints.
type share struct {
	// weight of the backendRef, above 0.
	weight    int32
	endpoints []netip.AddrPort
}

// weigh returns the endpoints of all shares, sorted, with the smallest whole
// weights that keep the proportions: each endpoint has its backend's weight
// divided by the number of that backend's endpoints. An endpoint of several
// backends has the sum. Proportions beyond the range of SRV weights are cut.
func weigh(shares []share) []bundle.Endpoint {
	// All weights become whole numbers by the product of the counts.
	product := big.NewInt(1)
	for _, s := range shares {
		product.Mul(product, big.NewInt(int64(max(1, len(s.endpoints)))))
	}
	weights := map[netip.AddrPort]*big.Int{}
	var order []netip.AddrPort
	for _, s := range shares {
		each := new(big.Int).Mul(product, big.NewInt(int64(s.weight)))
		each.Div(each, big.NewInt(int64(max(1, len(s.endpoints)))))
		for _, e := range s.endpoints {
			if weights[e] == nil {
				weights[e] = new(big.Int)
				order = append(order, e)
			}
			weights[e].Add(weights[e], each)
		}
	}
	slices.SortFunc(order, compareEndpoints)
	common, largest := new(big.Int), new(big.Int)
	for _, e := range order {
		common.GCD(nil, nil, common, weights[e])
		if weights[e].Cmp(largest) > 0 {
			largest.Set(weights[e])
		}
	}
	var endpoints []bundle.Endpoint
	for _, e := range order {
		endpoints = append(endpoints, bundle.Endpoint{
			Address: e.Addr().String(), Port: e.Port(), Weight: smallWeight(weights[e], common, largest),
		})
	}
	return endpoints
}

// smallWeight divides a weight by what all have in common, and by more where
// the largest would still be above maxWeight.
func smallWeight(weight, common, largest *big.Int) uint16 {
	limit := big.NewInt(maxWeight)
	if new(big.Int).Div(largest, common).Cmp(limit) <= 0 {
		return uint16(new(big.Int).Div(weight, common).Int64())
	}
	scaled := new(big.Int).Mul(weight, limit)
	scaled.Div(scaled, largest)
	// SRV weight 0 would count as 1 anyway.
	return uint16(max(1, scaled.Int64()))
}

func compareEndpoints(a, b netip.AddrPort) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Port(), b.Port()))
}
