package topology_test

import (
	"net/netip"
	"testing"

	"github.com/gatewright/gatewright/test/cluster/topology"
)

func TestAddressesOfTheLANAreDistinctAndInItsSubnet(t *testing.T) {
	t.Parallel()
	lan := netip.PrefixFrom(netip.MustParseAddr(topology.NodeIP), topology.PrefixLength).Masked()
	first, last := netip.MustParseAddr(topology.PoolFirst), netip.MustParseAddr(topology.PoolLast)
	if !lan.Contains(first) || !lan.Contains(last) || last.Less(first) {
		t.Errorf("the pool %s-%s is not a part of %s", first, last, lan)
	}
	seen := map[netip.Addr]bool{}
	for _, host := range []string{topology.NodeIP, topology.ClientIP, topology.LANHostIP} {
		address := netip.MustParseAddr(host)
		if !lan.Contains(address) || seen[address] {
			t.Errorf("%s is not an address of its own in %s", address, lan)
		}
		if !address.Less(first) && !last.Less(address) {
			t.Errorf("%s is in MetalLB's pool", address)
		}
		seen[address] = true
	}
}

func TestClusterAddressesDoNotOverlapTheLAN(t *testing.T) {
	t.Parallel()
	lan := netip.PrefixFrom(netip.MustParseAddr(topology.NodeIP), topology.PrefixLength)
	services, pods := netip.MustParsePrefix(topology.ServiceCIDR), netip.MustParsePrefix(topology.PodCIDR)
	for name, overlap := range map[string]bool{
		"services and LAN":  services.Overlaps(lan),
		"pods and LAN":      pods.Overlaps(lan),
		"services and pods": services.Overlaps(pods),
	} {
		if overlap {
			t.Errorf("%s overlap", name)
		}
	}
	for _, address := range []string{topology.KubernetesIP, topology.ClusterDNS} {
		if !services.Contains(netip.MustParseAddr(address)) {
			t.Errorf("%s is no Service address of %s", address, services)
		}
	}
	if node := netip.MustParsePrefix(topology.NodePodCIDR); !pods.Overlaps(node) || node.Bits() < pods.Bits() {
		t.Errorf("the node's pods %s are not in %s", node, pods)
	}
}
