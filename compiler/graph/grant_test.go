package graph

import (
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

func TestWhoMayReferToWhat(t *testing.T) {
	t.Parallel()
	name := gatewayv1.ObjectName("db")
	grant := &gatewayv1.ReferenceGrant{Spec: gatewayv1.ReferenceGrantSpec{
		From: []gatewayv1.ReferenceGrantFrom{
			{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: "blog"},
			{Group: "example.com", Kind: "HTTPRoute", Namespace: "evil"},
		},
		To: []gatewayv1.ReferenceGrantTo{{Kind: "Service", Name: &name}, {Kind: "Secret"}},
	}}
	grant.Namespace, grant.Name = "data", "grant"
	b := &builder{s: snapshot.Snapshot{ReferenceGrants: snapshot.SetOf(grant)}}
	tests := map[string]struct {
		r    reference
		want bool
	}{
		"anyone within a namespace":          {reference{"HTTPRoute", "blog", "Service", "blog", "web"}, true},
		"whom the grant names":               {reference{"HTTPRoute", "blog", "Service", "data", "db"}, true},
		"to another object than granted":     {reference{"HTTPRoute", "blog", "Service", "data", "cache"}, false},
		"to any object of a kind":            {reference{"HTTPRoute", "blog", "Secret", "data", "any"}, true},
		"from another namespace than named":  {reference{"HTTPRoute", "shop", "Service", "data", "db"}, false},
		"from another kind than named":       {reference{"Gateway", "blog", "Service", "data", "db"}, false},
		"from another group than named":      {reference{"HTTPRoute", "evil", "Service", "data", "db"}, false},
		"in a namespace that has no grant":   {reference{"HTTPRoute", "blog", "Service", "infra", "db"}, false},
		"to a kind that is not in the grant": {reference{"HTTPRoute", "blog", "ConfigMap", "data", "db"}, false},
	}
	for name, test := range tests {
		if got := b.permitted(test.r); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
