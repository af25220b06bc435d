package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GatewayConfig customises the data plane of the Gateways that refer to it: by
// the GatewayClass's parametersRef for all its Gateways, or by the Gateway's
// spec.infrastructure.parametersRef for that one. What the Gateway's sets wins,
// field by field.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:categories=gateway-api,shortName=gwc
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.spec.replicas`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayConfig struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec GatewayConfigSpec `json:"spec,omitempty"`
}

// GatewayConfigSpec is the wanted data plane. Every field has a default that
// suits a small cluster.
type GatewayConfigSpec struct {
	// Replicas of the nginx Deployment; 1 when unset.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	Replicas *int32 `json:"replicas,omitempty"`

	// Resources of the nginx container.
	//
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// Service customises the Gateway's LoadBalancer Service.
	//
	// +optional
	Service *ServiceConfig `json:"service,omitempty"`

	// DrainTimeout is how long connections that are open when the routing
	// changes may live on in the old nginx workers (nginx
	// worker_shutdown_timeout); 24h when unset, so that a websocket outlives a
	// change of routes.
	//
	// +optional
	DrainTimeout *gatewayv1.Duration `json:"drainTimeout,omitempty"`

	// TerminationGracePeriod is how long open connections may live on when an
	// nginx pod is replaced; 5m when unset.
	//
	// +optional
	TerminationGracePeriod *gatewayv1.Duration `json:"terminationGracePeriod,omitempty"`

	// HTTPSRedirect sends what comes in over HTTP on to HTTPS; nothing is when
	// unset. A Gateway's own replaces that of its class as a whole.
	//
	// +optional
	HTTPSRedirect *HTTPSRedirect `json:"httpsRedirect,omitempty"`

	// Certificates says who issues certificates for HTTPS listeners that name
	// none.
	//
	// +optional
	Certificates *CertificatesConfig `json:"certificates,omitempty"`
}

// HTTPSRedirect answers every request to a listener of protocol HTTP with a
// redirect to the same host and path, on the port of the Gateway's HTTPS
// listener that has the host. A host that no HTTPS listener has is served over
// HTTP as without. So are the challenges with which certificates are obtained
// (ACME HTTP-01): routes with a path below /.well-known/acme-challenge.
type HTTPSRedirect struct {
	// Enabled turns it on; false takes back what the class says.
	Enabled bool `json:"enabled"`

	// StatusCode of the redirect; 301 when unset. Browsers remember 301 and
	// 308, and repeat a POST for 307 and 308.
	//
	// +optional
	// +kubebuilder:validation:Enum=301;302;307;308
	StatusCode *int32 `json:"statusCode,omitempty"`

	// ExceptListeners are names of HTTP listeners that serve as without.
	//
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	ExceptListeners []gatewayv1.SectionName `json:"exceptListeners,omitempty"`
}

// CertificatesConfig says how HTTPS listeners get their certificates.
type CertificatesConfig struct {
	// IssuerRef is the issuer of cert-manager for Gateways that do not name one
	// with the annotation cert-manager.io/cluster-issuer or cert-manager.io/issuer:
	// their HTTPS listeners without certificateRefs get a certificate from it.
	//
	// +optional
	IssuerRef *IssuerReference `json:"issuerRef,omitempty"`
}

// IssuerReference names an issuer of cert-manager.
type IssuerReference struct {
	// Group of the issuer; cert-manager.io when unset.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Group *string `json:"group,omitempty"`

	// Kind of the issuer; ClusterIssuer when unset. An Issuer is looked for in the
	// namespace of the Gateway.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind *string `json:"kind,omitempty"`

	// Name of the issuer.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// ServiceConfig customises the Service of a Gateway.
type ServiceConfig struct {
	// ExternalTrafficPolicy is Local when unset: nginx sees the client's own
	// address, and only nodes with a ready pod answer.
	//
	// +optional
	// +kubebuilder:validation:Enum=Local;Cluster
	ExternalTrafficPolicy *corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`

	// LoadBalancerClass is unset by default, so that whichever load balancer
	// the cluster has serves it. It cannot be changed once the Service exists.
	//
	// +optional
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`

	// Annotations on the Service, metallb.io/address-pool for example. The
	// Gateway's spec.infrastructure.annotations win over these.
	//
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GatewayConfigList is a list of GatewayConfig.
//
// +kubebuilder:object:root=true
type GatewayConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GatewayConfig `json:"items"`
}
