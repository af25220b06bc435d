// Package graph says what the objects of a snapshot mean: which Gateways are
// ours, which listeners are sound, which routes attach where, what each
// reference resolves to and who may make it, and in what order matches win.
//
// In: a snapshot. Out: a Graph, in which every question that configuration,
// status and admission ask is already answered, and diagnostics. It must not
// know nginx, nor how a status is written.
package graph
