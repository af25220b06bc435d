package graph

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// reference is a reference of one object to another, as a ReferenceGrant sees
// it.
type reference struct {
	fromKind      string
	fromNamespace string
	// toKind is in the core group.
	toKind      string
	toNamespace string
	toName      string
}

// permitted says whether the reference stays in its namespace or a
// ReferenceGrant of the other namespace allows it.
func (b *builder) permitted(r reference) bool {
	if r.fromNamespace == r.toNamespace {
		return true
	}
	for _, grant := range b.s.ReferenceGrants.InNamespace(r.toNamespace) {
		if grantsFrom(grant, r) && grantsTo(grant, r) {
			return true
		}
	}
	return false
}

func grantsFrom(grant *gatewayv1.ReferenceGrant, r reference) bool {
	for _, from := range grant.Spec.From {
		if from.Group == gatewayv1.GroupName && string(from.Kind) == r.fromKind &&
			string(from.Namespace) == r.fromNamespace {
			return true
		}
	}
	return false
}

func grantsTo(grant *gatewayv1.ReferenceGrant, r reference) bool {
	for _, to := range grant.Spec.To {
		if (to.Group == "" || to.Group == "core") && string(to.Kind) == r.toKind &&
			(to.Name == nil || *to.Name == "" || string(*to.Name) == r.toName) {
			return true
		}
	}
	return false
}

// grantFix says which ReferenceGrant is missing.
func (r reference) grantFix() string {
	return fmt.Sprintf("create a ReferenceGrant in namespace %q that allows %ss of namespace %q to refer to %s %q",
		r.toNamespace, r.fromKind, r.fromNamespace, r.toKind, r.toName)
}
