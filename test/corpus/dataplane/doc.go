// Package dataplane serves a bundle with the real nginx, in a network and a
// mount namespace of its own, in which every address is local: backends can
// have the addresses of pods.
//
// In: a bundle. Out: nginx's verdict, or a running nginx to connect to. It
// must not know manifests, cases or the compiler.
package dataplane
