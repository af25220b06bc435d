package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-backendtlspolicy,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=backendtlspolicies,verbs=create;update,versions=v1,name=backendtlspolicy.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of BackendTLSPolicies prevents
//   - authorities that can never be read,
//
// and warns of
//   - Services, ports and authorities that are not there (yet),
//   - a target that an older policy has already.
const backendTLSPolicyValidatePath = "/validate-gateway-networking-k8s-io-v1-backendtlspolicy"
