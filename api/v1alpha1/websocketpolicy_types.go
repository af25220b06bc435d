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
}

// WebSocketPolicyList is a list of WebSocketPolicy.
//
// +kubebuilder:object:root=true
type WebSocketPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WebSocketPolicy `json:"items"`
}
