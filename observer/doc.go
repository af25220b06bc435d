// Package observer reads a cluster into a snapshot: it is the one list of the
// kinds that bear on Gatewright, for the operator and for the webhook alike.
//
// In: a controller-runtime cache and, for certificates, a live client. Out: a
// snapshot.Snapshot. It must not know what the objects mean, nor write any.
package observer
