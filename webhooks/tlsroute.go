package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-tlsroute,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=tlsroutes,verbs=create;update,versions=v1,name=tlsroute.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of TLSRoutes prevents
//   - hostnames by which no connection can be told from others,
//
// and warns of
//   - a Gateway, listener, Service, port or ReferenceGrant that is not there
//     (yet), and hostnames that no listener has,
//   - hostnames that an older route has already.
const tlsRouteValidatePath = "/validate-gateway-networking-k8s-io-v1-tlsroute"
