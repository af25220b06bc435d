// Package status words the graph, and what the data planes reported, as the
// statuses that the Gateway API prescribes.
//
// In: a graph and the snapshot it came from. Out: conditions without times,
// sorted. It must not know how statuses are written, nor whose entries lie
// beside ours.
package status
