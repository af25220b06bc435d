// Package node is what runs inside the cluster's namespaces: it prepares
// mounts and networks, starts etcd, the control plane, containerd, the kubelet
// and kube-proxy, applies the add-ons, and watches over all of them.
//
// In: a [Spec] that the launcher wrote, and the open files that it passed.
// Out: a cluster, the file Ready in the state directory when all of it serves,
// and a log of what took how long. When one process ends, everything ends. It
// must not know how it was launched, nor build or download anything.
package node
