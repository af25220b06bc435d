// Package site is what the proxies of the data path benchmark serve: hosts, their
// rules, and the backend of each rule.
//
// In: numbers of routes. Out: a Site, and for Gatewright what its compiler makes
// of the same thing written as manifests. It must not know how other proxies are
// configured, nor what is asked of them.
package site
