// Package homelab puts Gatewright and the sample homelab on a cluster of its
// own, for the demo and for the end-to-end suite: nothing about it is written
// twice.
//
// In: the repository. Out: a running cluster with the chart installed, and
// clients that ask from the home LAN. It must not know what is to be proved.
package homelab
