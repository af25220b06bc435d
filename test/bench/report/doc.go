// Package report is what the benchmarks' reports share: the machine that figures
// belong to, percentiles, how figures are printed, and the two files of a report.
//
// In: figures. Out: text, and files for people and for programs. It must not know
// what is measured.
package report
