// Package bundle is the unit of delivery to a data plane: everything that the
// nginx of one Gateway serves, as ordered files plus a table of endpoints.
//
// In: files and endpoints, as values, from the compiler. Out: a Bundle with
// two hashes (what needs a reload, and everything), its wire form, and the
// State with which a data plane answers. It must not know how a bundle is
// made, sent or applied.
package bundle
