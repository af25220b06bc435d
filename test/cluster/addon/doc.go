// Package addon holds the manifests of what a cluster needs beside Kubernetes
// itself: CoreDNS for names, MetalLB for addresses on the LAN.
//
// In: MetalLB's own manifest. Out: manifests that fit the embedded cluster. It
// must not know how they are applied.
package addon
