// Command data measures the data path: what Gatewright's nginx, configured by its
// compiler, serves of one kind of traffic after the other, beside the same nginx
// with a configuration written by hand, and beside other proxies. All run on the
// same machine in the same run, in a network namespace, with no cluster.
//
// In: flags. Out: a table, docs/benchmarks/data-path.json with all figures, and
// data-path.md made of it. It asserts nothing: figures depend on the machine,
// which is named beside them.
//
// Run it by "make bench".
package main
