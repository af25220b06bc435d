// Package admission measures how fast the webhooks answer: an AdmissionReview in,
// over HTTP, its answer out, in clusters with many routes.
//
// In: nothing. Out: figures of go test -bench. It must not know what the webhooks
// do to answer.
package admission
