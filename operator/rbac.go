package operator

// What the operator may do, and why. config/generate.sh makes a ClusterRole of
// it; the lease and its events are in a Role of the chart.
//
// Gateways and routes may be in any namespace, so all of this is cluster-wide.

// It reads the Gateway API, and what routes refer to.
//
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=gatewayclasses;gateways;listenersets;httproutes;grpcroutes;tlsroutes;tcproutes;udproutes;backendtlspolicies;referencegrants,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch
// +kubebuilder:rbac:groups=gatewright.dev,resources=gatewayconfigs,verbs=get;list;watch

// Which version of the Gateway API there is, its CRD says.
//
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=httproutes.gateway.networking.k8s.io,verbs=get;list;watch

// It writes statuses, and on GatewayClasses the finalizer gateway-exists.
//
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=gatewayclasses,verbs=patch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=gatewayclasses/status;gateways/status;listenersets/status,verbs=patch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes/status;grpcroutes/status;tlsroutes/status;tcproutes/status;udproutes/status;backendtlspolicies/status,verbs=patch
// +kubebuilder:rbac:groups=gatewright.dev,resources=websocketpolicies/status,verbs=patch

// Owned objects block the deletion of their owner; clusters that enforce
// permissions on owner references (OpenShift) want this of who sets them.
//
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=gateways/finalizers;listenersets/finalizers;httproutes/finalizers,verbs=update

// It owns the data planes. Services are read beyond that, as backends. It has
// no right on Pods but to find those of the data planes.
//
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups=gatewright.dev,resources=websocketpolicies,verbs=get;list;watch;create;patch;delete

// Secrets: certificates are wherever a Gateway's certificateRefs point, and the
// names are known only then, so the right cannot be narrowed to names or
// namespaces. The operator watches metadata alone and reads the values of those
// that a Gateway of ours names. It writes its authority, the identity and last
// good bundle beside each Gateway, and the webhook's certificate.
//
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update;patch;delete

// It has cert-manager issue what listeners need where cert-manager's own
// gateway-shim does not, and reads why a certificate is not there yet.
//
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests;issuers;clusterissuers,verbs=get;list;watch
// +kubebuilder:rbac:groups=acme.cert-manager.io,resources=orders;challenges,verbs=get;list;watch

// ConfigMaps have the authorities of client certificates, wherever a Gateway's
// caCertificateRefs point. They are read as Secrets are, and never written.
//
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch

// It records events on Gateways and routes, and reads those in which a load
// balancer says why it gives no address.
//
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",resources=events,verbs=get;list;watch;create;patch

// It tells the API server by which authority the webhook's certificate is.
//
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations;mutatingwebhookconfigurations,resourceNames=gatewright,verbs=get;list;watch;patch
