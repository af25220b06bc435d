// Package image makes the container images that the cluster and its tests run,
// without a registry and without a container engine that runs all the time.
//
// In: static binaries, or the project's Dockerfile. Out: OCI image archives in
// the cache, which containerd imports. It must not know any cluster.
package image
