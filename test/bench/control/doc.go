// Command control measures the control path on a cluster of its own, with the
// chart and the images of this repository: how long it takes from a change of an
// object until requests from the home LAN see it, what that costs, and what the
// processes hold in memory.
//
// In: flags. Out: docs/benchmarks/control-path.json with all figures, and
// control-path.md made of it. It asserts nothing: figures depend on the machine,
// which is named beside them.
//
// Run it by "make bench-control".
package main
