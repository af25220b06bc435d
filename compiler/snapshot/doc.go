// Package snapshot is the compiler's input: all the objects that bear on
// Gatewright's Gateways at one moment, sorted, typed and immutable.
//
// In: API objects and what the data planes reported, gathered by someone else.
// Out: look-ups, and changed copies for "what if this object were in"
// (With, Without). It must not know where objects come from, and nobody may
// change an object that lies in a snapshot.
package snapshot
