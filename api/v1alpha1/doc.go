// Package v1alpha1 holds Gatewright's own API types, group gatewright.dev.
//
// In: nothing. Out: the types, their validation as markers, and the condition
// and reason constants. It has no behaviour.
//
// +kubebuilder:object:generate=true
// +groupName=gatewright.dev
package v1alpha1
