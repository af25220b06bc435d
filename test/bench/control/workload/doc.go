// Package workload makes the objects that the control path is measured with: one
// Gateway, and as many routes as asked for, each with a host, a Service and an
// EndpointSlice of its own.
//
// In: numbers. Out: Kubernetes objects, the same for the same numbers. It must
// not know who reads them: the compiler's benchmarks and tests make snapshots of
// them, the cluster benchmark creates them.
package workload
