// Package footprint keeps small what a process has of a node's memory.
//
// In: the Go runtime's own figures. Out: pages that the process does not need any
// more, given back to the system when it has become quiet. It must not know what
// the process does, or any package that the agent should not be linked with.
package footprint
