package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-grpcroute,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=grpcroutes,verbs=create;update,versions=v1,name=grpcroute.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of GRPCRoutes prevents
//   - services and methods that are no names, and regexes that nginx cannot
//     compile,
//   - filters that contradict themselves, or that nginx cannot do,
//
// and warns of
//   - a Gateway, listener, Service, port or ReferenceGrant that is not there
//     (yet), and hostnames that no listener has,
//   - matches that an older route takes first.
const grpcRouteValidatePath = "/validate-gateway-networking-k8s-io-v1-grpcroute"
