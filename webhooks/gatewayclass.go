package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-gatewayclass,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=gatewayclasses,verbs=update;delete,versions=v1,name=gatewayclass.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of GatewayClasses refuses nothing. It warns of
//   - Gateways that are served and no longer will be, with their routes: the
//     class is deleted, or its parametersRef leads nowhere now.
const gatewayClassValidatePath = "/validate-gateway-networking-k8s-io-v1-gatewayclass"
