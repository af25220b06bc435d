package webhooks

// +kubebuilder:webhook:path=/validate-gatewright-dev-v1alpha1-websocketpolicy,mutating=false,failurePolicy=fail,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gatewright.dev,resources=websocketpolicies,verbs=create;update,versions=v1alpha1,name=websocketpolicy.validate.gatewright.dev,admissionReviewVersions=v1,patch=`{"objectSelector":{"matchExpressions":[{"key":"gatewright.dev/generated","operator":"DoesNotExist"}]}}`

// The validator of WebSocketPolicies prevents
//   - an origin that no browser names so, for which all websockets of the target
//     would be refused,
//
// and warns of
//   - a target that does not exist (yet), or a rule name that the route has not,
//   - an older policy that has the same target and wins.
//
// Policies that the operator makes are not asked for: the operator must be able
// to write them while the webhook is away.
const webSocketPolicyValidatePath = "/validate-gatewright-dev-v1alpha1-websocketpolicy"
