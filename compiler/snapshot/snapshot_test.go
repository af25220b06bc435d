package snapshot_test

import (
	"testing"

	acmev1 "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

func service(namespace, name, ip string) *corev1.Service {
	s := &corev1.Service{}
	s.Namespace, s.Name, s.Spec.ClusterIP = namespace, name, ip
	return s
}

func keys(services []*corev1.Service) []string {
	var all []string
	for _, s := range services {
		all = append(all, s.Namespace+"/"+s.Name+" "+s.Spec.ClusterIP)
	}
	return all
}

func TestASetIsSortedAndHasOneObjectPerKey(t *testing.T) {
	t.Parallel()
	given := []*corev1.Service{
		service("b", "x", "1"), service("a", "y", "2"), service("a-b", "a", "3"), service("a", "x", "4"), service("a", "y", "5"),
	}
	set := snapshot.SetOf(given...)
	want := []string{"a/x 4", "a/y 5", "a-b/a 3", "b/x 1"}
	if diff := cmp.Diff(want, keys(set.All())); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b/x 1", "a/y 2", "a-b/a 3", "a/x 4", "a/y 5"}, keys(given)); diff != "" {
		t.Errorf("the arguments changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a/x 4", "a/y 5"}, keys(set.InNamespace("a"))); diff != "" {
		t.Errorf("in a (-want +got):\n%s", diff)
	}
	if got := set.InNamespace("c"); len(got) != 0 {
		t.Errorf("in c: %v", keys(got))
	}
	if got, ok := set.Get("a-b", "a"); !ok || got.Spec.ClusterIP != "3" {
		t.Errorf("got %v, %v", got, ok)
	}
	if got, ok := set.Get("a", "z"); ok || got != nil {
		t.Errorf("got %v, which is not there", got)
	}
}

func TestAChangedCopyLeavesTheOriginalAsItWas(t *testing.T) {
	t.Parallel()
	var s snapshot.Snapshot
	for _, o := range []*corev1.Service{service("a", "x", "1"), service("c", "x", "2")} {
		s = s.With(o)
	}
	tests := map[string]struct {
		changed snapshot.Snapshot
		want    []string
	}{
		"another object":          {s.With(service("b", "x", "3")), []string{"a/x 1", "b/x 3", "c/x 2"}},
		"an object in a new form": {s.With(service("c", "x", "3")), []string{"a/x 1", "c/x 3"}},
		"an object less":          {s.Without(service("a", "x", "")), []string{"c/x 2"}},
		"an absent object less":   {s.Without(service("b", "x", "")), []string{"a/x 1", "c/x 2"}},
		"a kind that plays no part": {
			s.With(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "x"}}), []string{"a/x 1", "c/x 2"},
		},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, keys(test.changed.Services.All())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{"a/x 1", "c/x 2"}, keys(s.Services.All())); diff != "" {
			t.Errorf("%s changed the original (-want +got):\n%s", name, diff)
		}
	}
}

func TestEveryKindComesAndGoes(t *testing.T) {
	t.Parallel()
	kinds := map[string]struct {
		object metav1.Object
		count  func(snapshot.Snapshot) int
	}{
		"GatewayClass":       {&gatewayv1.GatewayClass{}, func(s snapshot.Snapshot) int { return s.GatewayClasses.Len() }},
		"Gateway":            {&gatewayv1.Gateway{}, func(s snapshot.Snapshot) int { return s.Gateways.Len() }},
		"HTTPRoute":          {&gatewayv1.HTTPRoute{}, func(s snapshot.Snapshot) int { return s.HTTPRoutes.Len() }},
		"ReferenceGrant":     {&gatewayv1.ReferenceGrant{}, func(s snapshot.Snapshot) int { return s.ReferenceGrants.Len() }},
		"WebSocketPolicy":    {&v1alpha1.WebSocketPolicy{}, func(s snapshot.Snapshot) int { return s.WebSocketPolicies.Len() }},
		"GatewayConfig":      {&v1alpha1.GatewayConfig{}, func(s snapshot.Snapshot) int { return s.GatewayConfigs.Len() }},
		"Namespace":          {&corev1.Namespace{}, func(s snapshot.Snapshot) int { return s.Namespaces.Len() }},
		"Service":            {&corev1.Service{}, func(s snapshot.Snapshot) int { return s.Services.Len() }},
		"EndpointSlice":      {&discoveryv1.EndpointSlice{}, func(s snapshot.Snapshot) int { return s.EndpointSlices.Len() }},
		"Secret":             {&corev1.Secret{}, func(s snapshot.Snapshot) int { return s.Secrets.Len() }},
		"Certificate":        {&cmv1.Certificate{}, func(s snapshot.Snapshot) int { return s.Certificates.Len() }},
		"CertificateRequest": {&cmv1.CertificateRequest{}, func(s snapshot.Snapshot) int { return s.CertificateRequests.Len() }},
		"Order":              {&acmev1.Order{}, func(s snapshot.Snapshot) int { return s.Orders.Len() }},
		"Challenge":          {&acmev1.Challenge{}, func(s snapshot.Snapshot) int { return s.Challenges.Len() }},
		"Issuer":             {&cmv1.Issuer{}, func(s snapshot.Snapshot) int { return s.Issuers.Len() }},
		"ClusterIssuer":      {&cmv1.ClusterIssuer{}, func(s snapshot.Snapshot) int { return s.ClusterIssuers.Len() }},
	}
	for name, kind := range kinds {
		kind.object.SetName("x")
		with := snapshot.Snapshot{}.With(kind.object)
		if got := kind.count(with); got != 1 {
			t.Errorf("%s: %d after With", name, got)
		}
		if got, ok := with.Existing(kind.object); !ok || got != kind.object {
			t.Errorf("%s: %v is there", name, got)
		}
		if got, ok := (snapshot.Snapshot{}).Existing(kind.object); ok {
			t.Errorf("%s: %v is there, though nothing is", name, got)
		}
		if got := kind.count(with.Without(kind.object)); got != 0 {
			t.Errorf("%s: %d after Without", name, got)
		}
	}
}
