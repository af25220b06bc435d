package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-listenerset,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=listenersets,verbs=create;update,versions=v1,name=listenerset.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of ListenerSets prevents
//   - listeners that can never serve, whatever else is applied,
//
// and warns of
//   - a Gateway that is not there (yet), or that lets no ListenerSets in,
//   - listeners that clash with those of the Gateway or of an older ListenerSet,
//   - certificates that are not there.
const listenerSetValidatePath = "/validate-gateway-networking-k8s-io-v1-listenerset"
