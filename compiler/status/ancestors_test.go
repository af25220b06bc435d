package status_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/status"
)

// TestAPolicyOfManyGatewaysNamesTheFirstSixteen has a policy for a route, and one
// for its backend, at twenty Gateways: status.ancestors takes 16.
func TestAPolicyOfManyGatewaysNamesTheFirstSixteen(t *testing.T) {
	t.Parallel()
	s := cluster(t, listenHTTP)
	home, _ := s.Gateways.Get("infra", "home")
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name = "infra", "r"
	backend := gatewayv1.HTTPBackendRef{}
	backend.Name, backend.Port = "web", new(gatewayv1.PortNumber(443))
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{backend}}}
	var want []string
	for i := range 20 {
		// Against the order, in which the Gateways come.
		g := home.DeepCopy()
		g.Name = fmt.Sprintf("gateway-%02d", 19-i)
		s = s.With(g)
		r.Spec.ParentRefs = append(r.Spec.ParentRefs, gatewayv1.ParentReference{Name: gatewayv1.ObjectName(g.Name)})
		if i < 16 {
			want = append(want, fmt.Sprintf("gateway-%02d", i))
		}
	}
	service := &corev1.Service{}
	service.Namespace, service.Name = "infra", "web"
	service.Spec.Ports = []corev1.ServicePort{{Port: 443}}
	forRoute := &v1alpha1.WebSocketPolicy{}
	forRoute.Namespace, forRoute.Name = "infra", "p"
	target := gatewayv1.LocalPolicyTargetReferenceWithSectionName{}
	target.Group, target.Kind, target.Name = gatewayv1.GroupName, "HTTPRoute", "r"
	forRoute.Spec.TargetRefs = append(forRoute.Spec.TargetRefs, target)
	forBackend := &gatewayv1.BackendTLSPolicy{}
	forBackend.Namespace, forBackend.Name = "infra", "p"
	target.Group, target.Kind, target.Name = "", "Service", "web"
	forBackend.Spec.TargetRefs = append(forBackend.Spec.TargetRefs, target)
	forBackend.Spec.Validation.Hostname = "web.infra"
	forBackend.Spec.Validation.WellKnownCACertificates = new(gatewayv1.WellKnownCACertificatesSystem)
	s = s.With(r).With(service).With(forRoute).With(forBackend)

	out := status.Build(graph.Build(s), s)
	for kind, policies := range map[string][]status.Policy{"WebSocketPolicy": out.Policies, "BackendTLSPolicy": out.BackendTLSPolicies} {
		if len(policies) != 1 {
			t.Fatalf("%d of %s", len(policies), kind)
		}
		var got []string
		for _, a := range policies[0].Ancestors {
			got = append(got, string(a.AncestorRef.Name))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ancestors of the %s (-want +got):\n%s", kind, diff)
		}
	}
}
