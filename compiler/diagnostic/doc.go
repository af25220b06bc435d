// Package diagnostic is the one vocabulary in which Gatewright speaks of what
// is wrong with a user's object: status, admission webhook and lint all show
// the same sentences.
//
// In: nothing. Out: Diagnostic values. It must not know who shows them.
package diagnostic
