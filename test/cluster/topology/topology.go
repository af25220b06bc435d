// Package topology holds the addresses of the cluster and of the home LAN that
// it stands in. It is what the launcher on the host, the processes inside the
// namespaces and the tests must agree on.
//
// The LAN is a Linux bridge inside the cluster's network namespace. The node,
// a client and a host that is not part of the cluster hang on it; MetalLB
// announces addresses of its pool by ARP. No uplink leads out of it.
package topology

// LAN addresses.
const (
	// LANBridge is the name of the bridge, which also is the node's interface.
	LANBridge = "lan0"
	// PrefixLength is that of the LAN's subnet.
	PrefixLength = 24
	// NodeIP is the address of the only node.
	NodeIP = "192.168.77.1"
	// ClientIP is the address of a laptop on the LAN.
	ClientIP = "192.168.77.10"
	// LANHostIP is the address of a host outside the cluster, for instance
	// one that runs Home Assistant.
	LANHostIP = "192.168.77.20"
	// PoolFirst and PoolLast bound what MetalLB may give out.
	PoolFirst = "192.168.77.100"
	PoolLast  = "192.168.77.150"
)

// Cluster addresses and names.
const (
	NodeName     = "node1"
	ServiceCIDR  = "10.96.0.0/16"
	KubernetesIP = "10.96.0.1"
	ClusterDNS   = "10.96.0.10"
	PodCIDR      = "10.244.0.0/16"
	NodePodCIDR  = "10.244.0.0/24"
	// APIAddress is where the API server is reached from the node and from the
	// LAN.
	APIAddress = NodeIP + ":6443"
)

// Names of the network namespaces beside the node's, as in `ip netns`.
const (
	ClientNamespace  = "client"
	LANHostNamespace = "lanhost"
)

// WebhookClient is the common name in the certificate that the API server shows
// to webhooks that ask for one. The cluster's authority has signed it, whose
// certificate is in the ConfigMap kube-root-ca.crt of each namespace.
const WebhookClient = "apiserver-webhook-client"
