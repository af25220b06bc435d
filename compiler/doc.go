// Package compiler turns a snapshot of the cluster into everything that follows
// from it: bundles for the data planes, objects to own, statuses to write, and
// diagnostics for users. The operator, the admission webhook, lint and render
// all call Run, so they all say the same.
//
// In: a snapshot and options. Out: a Result. It is pure: no client, context,
// clock, log, file or network, and its output has no map order.
package compiler
