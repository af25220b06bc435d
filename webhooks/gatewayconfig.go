package webhooks

// +kubebuilder:webhook:path=/validate-gatewright-dev-v1alpha1-gatewayconfig,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gatewright.dev,resources=gatewayconfigs,verbs=create;update,versions=v1alpha1,name=gatewayconfig.validate.gatewright.dev,admissionReviewVersions=v1
// +kubebuilder:webhook:path=/validate-gatewright-dev-v1alpha1-gatewayconfig,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gatewright.dev,resources=gatewayconfigs,verbs=delete,versions=v1alpha1,name=gatewayconfig.deletion.gatewright.dev,admissionReviewVersions=v1

// The validator of GatewayConfigs prevents
//   - values that each are fine and together are not, for which every Gateway
//     that uses the object would lose its data plane at the next rollout,
//
// and warns of
//   - Gateways, listeners and routes that lose by the change, as what they are
//     served with comes from the object: it is deleted, or redirects now.
//
// It may refuse while it is unreachable (failurePolicy Fail), as only our own
// kinds are concerned; never a deletion, by which a namespace goes, too.
const gatewayConfigValidatePath = "/validate-gatewright-dev-v1alpha1-gatewayconfig"
