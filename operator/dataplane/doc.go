// Package dataplane keeps the nginx pods of all Gateways at the bundles that
// they are to serve, over mutual TLS, and knows what each of them says it
// serves. Each pod has a goroutine of its own, so that neither a slow pod nor
// another Gateway holds one up.
//
// In: per Gateway a bundle and its pods. Out: reports, and a signal when one
// changes. It is level-triggered: pods are asked again and again, so that a lost
// message heals. It must not know Kubernetes clients, nor how bundles are made.
package dataplane
