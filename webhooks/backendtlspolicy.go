package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-backendtlspolicy,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=backendtlspolicies,verbs=create;update,versions=v1,name=backendtlspolicy.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of BackendTLSPolicies prevents
//   - a hostname, or another name, that no certificate has,
//
// and warns of
//   - authorities of a kind, or by a name, that is not known, and options
//     without effect,
//   - a Service, or a port of it, that is not there (yet),
//   - a target that an older policy has already.
//
// Policies of Services that no route of ours refers to are others' to judge.
const backendTLSPolicyValidatePath = "/validate-gateway-networking-k8s-io-v1-backendtlspolicy"
