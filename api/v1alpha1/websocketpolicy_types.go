package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// WebSocketPolicy says how websockets through an HTTPRoute live. Websockets
// work without one; the operator writes one for a route with an
// "Upgrade: websocket" header filter, and one that a user writes for the same
// target wins.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=gateway-api,shortName=wsp
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Direct"
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRefs[*].name`
// +kubebuilder:printcolumn:name="Idle timeout",type=string,JSONPath=`.spec.idleTimeout`
// +kubebuilder:printcolumn:name="Max connections",type=integer,JSONPath=`.spec.maxConnections`
// +kubebuilder:printcolumn:name="Origins",type=string,JSONPath=`.spec.allowedOrigins`,priority=1
// +kubebuilder:printcolumn:name="Drain timeout",type=string,JSONPath=`.spec.drainTimeout`,priority=1
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.ancestors[*].conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type WebSocketPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec WebSocketPolicySpec `json:"spec"`
	// +optional
	Status gatewayv1.PolicyStatus `json:"status,omitempty"`
}

// WebSocketPolicySpec is the wanted behaviour.
type WebSocketPolicySpec struct {
	// TargetRefs name the HTTPRoutes of the policy's namespace that it applies
	// to; sectionName narrows it to the rule of that name.
	//
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(r, r.group == 'gateway.networking.k8s.io' && r.kind == 'HTTPRoute')",message="a WebSocketPolicy targets HTTPRoutes: write group: gateway.networking.k8s.io, kind: HTTPRoute"
	// +listType=atomic
	TargetRefs []gatewayv1.LocalPolicyTargetReferenceWithSectionName `json:"targetRefs"`

	// IdleTimeout is how long a websocket may stay silent in either direction
	// before it is closed (nginx proxy_read_timeout and proxy_send_timeout).
	//
	// +optional
	// +kubebuilder:default="1h"
	IdleTimeout *gatewayv1.Duration `json:"idleTimeout,omitempty"`

	// AllowedOrigins are the web sites whose pages may open websockets here
	// (RFC 6455, section 10.2); any where unset. A browser says which site a
	// page is from in the header Origin, and a request for a websocket from
	// another site is answered with 403. Requests without Origin pass: programs
	// other than browsers send none. Requests for anything but a websocket are
	// not concerned.
	//
	// +optional
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=set
	AllowedOrigins []Origin `json:"allowedOrigins,omitempty"`

	// MaxConnections is how many websockets may be open at the same time, for
	// each target and in each nginx pod; any number where unset. A request for
	// one more is answered with 503 (nginx limit_conn). Requests for anything
	// but a websocket are not counted.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	MaxConnections *int32 `json:"maxConnections,omitempty"`

	// DrainTimeout is how long open websockets live on, at the least, when nginx
	// is reloaded or its pod replaced. It raises the drainTimeout and
	// terminationGracePeriod of the Gateway's GatewayConfig and never lowers
	// them: nginx has one such time for all its connections. A pod that is
	// replaced lives on for an hour at most, unless the GatewayConfig says more.
	//
	// +optional
	DrainTimeout *gatewayv1.Duration `json:"drainTimeout,omitempty"`
}

// Origin is a web site: scheme, host, and the port where it is not the
// scheme's own. A leading wildcard label stands for one or more labels.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=273
// +kubebuilder:validation:XValidation:rule="self.matches('^[Hh][Tt][Tt][Pp][Ss]?://((\\\\*\\\\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|\\\\[[0-9A-Fa-f:]+\\\\])(:[0-9]{1,5})?$')",message="an origin is a scheme and a host, without a path: write https://ha.example.net, https://*.example.net or http://192.168.1.10:8123"
type Origin string

// WebSocketPolicyList is a list of WebSocketPolicy.
//
// +kubebuilder:object:root=true
type WebSocketPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WebSocketPolicy `json:"items"`
}
