package observer_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/observer"
)

// backendPolicy is a BackendTLSPolicy of namespace blog for the Service, with
// authorities of its name.
func backendPolicy(service, kind string) *gatewayv1.BackendTLSPolicy {
	p := &gatewayv1.BackendTLSPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: service}}
	p.Spec.TargetRefs = make([]gatewayv1.LocalPolicyTargetReferenceWithSectionName, 1)
	p.Spec.TargetRefs[0].Kind, p.Spec.TargetRefs[0].Name = "Service", gatewayv1.ObjectName(service)
	p.Spec.Validation.CACertificateRefs = []gatewayv1.LocalObjectReference{
		{Kind: gatewayv1.Kind(kind), Name: gatewayv1.ObjectName(service)}, {Group: "apps", Kind: "Deployment", Name: "x"},
	}
	return p
}

func TestAuthoritiesOfOurBackendsAreRead(t *testing.T) {
	t.Parallel()
	authority := func(name string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: name}}
	}
	showing := gateway("home", "gatewright", "a.example.net", "mine")
	showing.Spec.TLS = &gatewayv1.GatewayTLSConfig{Backend: &gatewayv1.GatewayBackendTLS{
		ClientCertificateRef: &gatewayv1.SecretObjectReference{Name: "client"},
	}}
	c, read := cluster(
		class("gatewright", v1alpha1.ControllerName), class("other", "example.org/controller"),
		showing, gateway("foreign", "other", "c.example.net", "mine"),
		route("web", "home", "web"), route("files", "home", "files"), route("theirs", "foreign", "theirs"),
		backendPolicy("web", "ConfigMap"), backendPolicy("files", "Secret"), backendPolicy("theirs", "ConfigMap"), backendPolicy("unused", "ConfigMap"),
		authority("web"), authority("theirs"), authority("unused"),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "blog", Name: "files"}}, secret("client"), secret("mine"),
	)
	o := observer.New(c, c, nil)
	s, err := o.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.ConfigMaps.Get("blog", "web"); !ok {
		t.Error("without the ConfigMap of the policy")
	}
	if diff := cmp.Diff([]string{"client", "files", "mine", "web"}, slices.Sorted(slices.Values(*read))); diff != "" {
		t.Errorf("contents read (-want +got):\n%s", diff)
	}
	i, err := o.Interest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"web": true, "theirs": false, "unused": false} {
		if i.ConfigMap(key("blog", name)) != want {
			t.Errorf("interest in ConfigMap %s: %v", name, !want)
		}
	}
	if !i.Secret(key("blog", "files")) || !i.Secret(key("infra", "client")) {
		t.Error("no interest in the Secrets of a policy or of the Gateway")
	}
}
