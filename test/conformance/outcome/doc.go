// Package outcome tells the outcome of a conformance run to a reader in a
// terminal.
//
// In: the suite's report. Out: a table. It must not know how the suite is run.
package outcome
