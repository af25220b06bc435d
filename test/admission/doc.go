// Package admission shows what the real API server answers to manifests while
// Gatewright's webhook runs: the cases of the corpus, the upstream conformance
// suite's manifests, and manifests that are applied again.
//
// In: manifests. Out: test results. The Gateway API is of the experimental channel,
// since cases have its fields. The operator is stopped meanwhile, so that
// no data plane is deployed for them. It must not know how the webhook decides.
package admission
