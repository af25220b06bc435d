// Package cluster runs a real one-node Kubernetes with MetalLB on this machine,
// with neither a container engine nor a registry: for end-to-end tests, the
// conformance suite and the demo.
//
// [Up] builds what is missing (the first time, Kubernetes itself: a quarter of
// an hour on two cores), and starts everything in namespaces of its own, which
// have no way out. A Linux bridge stands for a home LAN: the node, a client
// and a host outside the cluster hang on it; see package topology for their
// addresses. [Cluster.Kubeconfig] serves kubectl, helm and client-go on the
// host; [Cluster.Command] and [Cluster.Network] run programs and open
// connections at a place on the LAN.
//
// In: options and image archives. Out: a cluster that serves. It must not know
// Gatewright: images and manifests of the product come from its users.
//
// It needs root, Linux and Debian's apt. What it caches lies in
// $XDG_CACHE_HOME/gatewright, what it writes in $XDG_STATE_HOME/gatewright.
package cluster
