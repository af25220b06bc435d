// Package cache keeps what is slow to make and never changes for the same
// inputs: binaries, images, root directories.
//
// In: a kind, a key that covers everything the artefact depends on, and a
// function that makes it. Out: a path that is complete whenever it exists.
// It lies outside the clone, so that a fresh clone finds it again. It must not
// know what the artefacts are for.
package cache
