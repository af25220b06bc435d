package webhooks

// The webhook reads what the compiler needs to judge an object, and writes
// nothing. It has no right to Secrets: their contents are for the operator.
//
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=gatewayclasses;gateways;listenersets;httproutes;grpcroutes;tlsroutes;tcproutes;udproutes;backendtlspolicies;referencegrants,verbs=get;list;watch
// +kubebuilder:rbac:groups=gatewright.dev,resources=gatewayconfigs;websocketpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces;services,verbs=get;list;watch
// +kubebuilder:rbac:groups=cert-manager.io,resources=issuers;clusterissuers,verbs=get;list;watch

// The names of the webhook configurations.
//
// +kubebuilder:webhookconfiguration:mutating=true,name=gatewright
// +kubebuilder:webhookconfiguration:mutating=false,name=gatewright
