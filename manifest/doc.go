// Package manifest reads Kubernetes manifests as users write them: YAML or
// JSON, many in one file, lists of them, whole directories.
//
// In: bytes, or the names of files and directories. Out: the objects that bear
// on Gatewright, each with the place where it and its fields stand; what could
// not be read; and what was passed over. It must not know what the objects
// mean, nor any cluster.
package manifest
