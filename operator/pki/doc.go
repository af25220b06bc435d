// Package pki makes the certificates by which the operator, the data planes and
// the webhook know each other: one authority, and leaves for one purpose each.
//
// In: names, purposes and a time. Out: PEM. It must not know where they are
// kept.
package pki
