// Package premise makes a snapshot of manifests: what a cluster would hold that
// has them. It adds what the API server adds, and what is taken to exist though
// the manifests do not speak of it.
//
// In: manifests, and the snapshot of a cluster to put them over. Out: a
// snapshot, and the list of what was assumed. It must not know what is wrong
// with the objects, nor read any file or cluster.
package premise
