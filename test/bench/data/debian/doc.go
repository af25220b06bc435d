// Package debian provides the programs of Debian that the data path benchmark
// runs beside nginx: HAProxy, and the load generators wrk and h2load.
//
// In: a program's name. Out: a command that runs it from a directory made once
// per machine, out of the release that Gatewright's nginx comes from, with that
// release's libraries: nothing is installed on the host. It must not know what
// the programs are run for.
package debian
