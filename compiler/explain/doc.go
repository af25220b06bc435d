// Package explain says which rule answers a request and where it goes, and why
// no other rule does.
//
// In: a Gateway of the graph and a request. Out: an Explanation. Hosts,
// candidates, their order and Locations come from compiler/nginx, which prints
// the configuration from the same; only the conditions of matches are looked at
// here. It must not know how a request is sent, nor what the answer is for.
package explain
