// Package judgement is what admission says of one change, and lint of one
// object: refusals, warnings, and who loses by it.
//
// In: a change and the snapshot that it is to happen in. Out: a Judgement. It
// must not know who asks, nor how the answer is worded for them.
package judgement
