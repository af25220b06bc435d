// Package backend makes the images of the backends that the conformance suite
// sends traffic to, under the names that its manifests ask for: there is no
// registry to pull them from.
//
// In: the suite's manifests and Go modules. Out: image archives. It must not
// know any cluster.
package backend
