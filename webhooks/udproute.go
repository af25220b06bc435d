package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-udproute,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=udproutes,verbs=create;update,versions=v1,name=udproute.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of UDPRoutes prevents nothing, since all that can be wrong with
// one may become right. It warns of
//   - a Gateway, listener, Service, port or ReferenceGrant that is not there
//     (yet),
//   - a port that an older route has already.
const udpRouteValidatePath = "/validate-gateway-networking-k8s-io-v1-udproute"
