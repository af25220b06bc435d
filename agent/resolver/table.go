package resolver

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/compiler/bundle"
)

const (
	// maxDirect is the largest number of endpoints that get an SRV record each.
	// nginx settles a thousand in a fifth of a second, and three thousand never.
	maxDirect = 256
	// setSize is the mean number of addresses in a set. Four kilobytes, nginx's
	// limit for UDP, hold 250 A or 145 AAAA records.
	setSize = 100
)

// The zones of target names, as fully qualified names.
const (
	addressZone = "ip.gatewright."
	setZone     = "set.gatewright."
)

// target is one SRV record's right side.
type target struct {
	name   string
	port   uint16
	weight uint16
}

// record is what the SRV query for one upstream answers.
type record struct {
	endpoints []bundle.Endpoint
	// digest is equal for equal endpoints.
	digest  uint64
	targets []target
	// sets are the addresses behind those targets that are no single address.
	sets map[string][]netip.Addr
}

// sentinelTargets point at nginx's own server that answers 503.
var sentinelTargets = []target{{addressName(netip.AddrFrom4([4]byte{127, 0, 0, 1})), bundle.NoEndpointsPort, 1}}

// sentinel is the answer for an upstream that is unknown.
var sentinel = newRecord(nil)

// newRecord builds the answer for the endpoints. Those that nginx could not
// use are left out: an address that is none, and weight 0, which nginx would
// read as 1.
func newRecord(endpoints []bundle.Endpoint) *record {
	r := &record{endpoints: endpoints, digest: digest(endpoints)}
	members := usable(endpoints)
	switch {
	case len(members) == 0:
		r.targets = sentinelTargets
	case len(members) <= maxDirect:
		for _, m := range members {
			r.targets = append(r.targets, target{addressName(m.address), m.port, m.weight})
		}
	default:
		r.addSets(members)
	}
	return r
}

type member struct {
	address netip.Addr
	port    uint16
	weight  uint16
}

func usable(endpoints []bundle.Endpoint) []member {
	members := make([]member, 0, len(endpoints))
	for _, e := range endpoints {
		address, err := netip.ParseAddr(e.Address)
		if err != nil || address.Zone() != "" || e.Weight == 0 {
			continue
		}
		members = append(members, member{address.Unmap(), e.Port, e.Weight})
	}
	return members
}

// addSets spreads members over sets. A member's set follows from its address,
// so that one that comes or goes changes one set and leaves the others cached.
func (r *record) addSets(members []member) {
	type group struct {
		v4     bool
		port   uint16
		weight uint16
	}
	groups := map[group][]netip.Addr{}
	for _, m := range members {
		g := group{m.address.Is4(), m.port, m.weight}
		groups[g] = append(groups[g], m.address)
	}
	r.sets = map[string][]netip.Addr{}
	for g, addresses := range groups {
		for _, set := range spread(addresses) {
			name := setName(set)
			r.sets[name] = set
			r.targets = append(r.targets, target{name, g.port, g.weight})
		}
	}
	slices.SortFunc(r.targets, func(a, b target) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.port, b.port), cmp.Compare(a.weight, b.weight))
	})
}

func spread(addresses []netip.Addr) [][]netip.Addr {
	sets := make([][]netip.Addr, (len(addresses)+setSize-1)/setSize)
	for _, address := range addresses {
		hash := fnv.New32a()
		hash.Write(address.AsSlice())
		i := hash.Sum32() % uint32(len(sets))
		sets[i] = append(sets[i], address)
	}
	return slices.DeleteFunc(sets, func(set []netip.Addr) bool { return len(set) == 0 })
}

func digest(endpoints []bundle.Endpoint) uint64 {
	h := sha256.New()
	for _, e := range endpoints {
		h.Write([]byte(e.Address))
		h.Write([]byte{0, byte(e.Port >> 8), byte(e.Port), byte(e.Weight >> 8), byte(e.Weight)})
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// setName names a set by its content, so that a name never changes its meaning
// and may be cached.
func setName(set []netip.Addr) string {
	h := sha256.New()
	for _, address := range set {
		h.Write(address.AsSlice())
	}
	return hex.EncodeToString(h.Sum(nil))[:16] + "." + setZone
}

// addressName encodes an address as a name: 10-0-0-1.ip.gatewright. IPv6
// addresses are written out in eight groups.
func addressName(address netip.Addr) string {
	if address.Is4() {
		return strings.ReplaceAll(address.String(), ".", "-") + "." + addressZone
	}
	return strings.ReplaceAll(address.StringExpanded(), ":", "-") + "." + addressZone
}

// addressOf is the inverse of addressName.
func addressOf(name string) (netip.Addr, bool) {
	label, ok := strings.CutSuffix(name, "."+addressZone)
	if !ok {
		return netip.Addr{}, false
	}
	separator := "."
	if strings.Count(label, "-") != 3 {
		separator = ":"
	}
	address, err := netip.ParseAddr(strings.ReplaceAll(label, "-", separator))
	return address, err == nil
}

// upstreamOf returns the upstream that an SRV query's name stands for.
func upstreamOf(name string) (string, bool) {
	id, ok := strings.CutPrefix(name, "_"+bundle.ServiceName+"._tcp.")
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(id, "."+bundle.Zone+".")
	return id, ok && id != "" && !strings.Contains(id, ".")
}
