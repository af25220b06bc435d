// Package infra says which Kubernetes objects make up a Gateway's data plane:
// one file per kind.
//
// In: a Gateway of the graph and the installation's options. Out: typed
// objects, all in the Gateway's namespace. It must not know how they are
// applied.
package infra
