package webhooks

// +kubebuilder:webhook:path=/validate-gateway-networking-k8s-io-v1-referencegrant,mutating=false,failurePolicy=ignore,matchPolicy=Equivalent,sideEffects=None,timeoutSeconds=3,groups=gateway.networking.k8s.io,resources=referencegrants,verbs=update;delete,versions=v1,name=referencegrant.validate.gatewright.dev,admissionReviewVersions=v1

// The validator of ReferenceGrants refuses nothing. It warns of
//   - routes that reach a backend only because of the grant, and listeners that
//     have their certificate only because of it, when it is taken back.
const referenceGrantValidatePath = "/validate-gateway-networking-k8s-io-v1-referencegrant"
