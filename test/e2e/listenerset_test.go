package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/test/acme"
)

var (
	tenantSet         = types.NamespacedName{Namespace: "tenant", Name: "own"}
	tenantCertificate = types.NamespacedName{Namespace: "tenant", Name: "single-jarrett-net-tls"}
)

// sharedGateway has no HTTPS listener of its own, and redirects to those that
// ListenerSets bring.
const sharedGateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  namespace: acme
  name: edge
  annotations: {cert-manager.io/cluster-issuer: ` + acme.Issuer + `}
spec:
  gatewayClassName: gatewright
  infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: edge}}
  allowedListeners: {namespaces: {from: All}}
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {namespace: acme, name: edge}
spec: {httpsRedirect: {enabled: true}}
`

// tenantManifest says nothing of certificates, nor of an issuer.
const tenantManifest = `
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {namespace: tenant, name: own}
spec:
  parentRef: {namespace: acme, name: edge}
  listeners:
  - {name: https, hostname: ` + singleHost + `, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: whoami, name: tenant}
spec:
  parentRefs: [{kind: ListenerSet, namespace: tenant, name: own}]
  rules: [{backendRefs: [{name: whoami, port: 80}]}]
`

// TestATenantBringsAListenerWithItsCertificate goes from a ListenerSet that names
// neither Secret nor issuer to answers over HTTPS, and back.
func TestATenantBringsAListenerWithItsCertificate(t *testing.T) {
	explainFailure(t)
	newNamespace(t, acmeGateway.Namespace)
	newNamespace(t, tenantSet.Namespace)
	story := certificateStory{authority: startAuthority(t, acme.Options{Shim: true})}
	t.Cleanup(func() {
		if err := lab.Delete(context.Background(), sharedGateway); err != nil {
			t.Error(err)
		}
	})
	if _, err := lab.Apply(t.Context(), sharedGateway); err != nil {
		t.Fatal(err)
	}
	var err error
	if story.address, err = lab.GatewayAddress(t.Context(), acmeGateway); err != nil {
		t.Fatal(err)
	}
	if err := story.authority.Point(t.Context(), singleHost, story.address); err != nil {
		t.Fatal(err)
	}

	times := newStopwatch("the ListenerSet is applied")
	if _, err := lab.Apply(t.Context(), tenantManifest); err != nil {
		t.Fatal(err)
	}
	leaf := story.awaitIssued(t, tenantCertificate, "")
	times.note("the certificate is issued")
	if diff := cmp.Diff([]string{singleHost}, leaf.DNSNames); diff != "" {
		t.Errorf("names in the certificate (-want +got):\n%s", diff)
	}
	expect(t, story.laptop(t), "https://"+singleHost+"/", http.StatusOK, "Hostname:")
	times.note("it is served")
	times.report(t)
	expect(t, story.laptop(t), "http://"+singleHost+"/", http.StatusMovedPermanently)

	awaitSet(t, string(gatewayv1.ListenerSetConditionProgrammed), metav1.ConditionTrue)
	var set gatewayv1.ListenerSet
	fetch(t, tenantSet.Namespace, tenantSet.Name, &set)
	if tls := set.Spec.Listeners[0].TLS; tls == nil || len(tls.CertificateRefs) != 1 || string(tls.CertificateRefs[0].Name) != tenantCertificate.Name {
		t.Errorf("the webhook has left the listener with tls %+v", tls)
	}
	certificate, err := story.authority.Certificate(t.Context(), tenantCertificate)
	if err != nil {
		t.Fatal(err)
	}
	if owners := certificate.GetOwnerReferences(); len(owners) != 1 || owners[0].UID != set.UID || metav1.GetControllerOf(certificate) != nil {
		t.Errorf("owners of the Certificate: %+v", owners)
	}

	// The Gateway shuts its ListenerSets out.
	kubectl(t, "patch", "gateway", "--namespace", acmeGateway.Namespace, acmeGateway.Name, "--type=merge",
		"--patch", `{"spec": {"allowedListeners": null}}`)
	awaitSet(t, string(gatewayv1.ListenerSetConditionAccepted), metav1.ConditionFalse)
	target := handshakeTarget{address: story.address, host: singleHost, trusted: story.authority.Pool()}
	eventually(t, func(context.Context) error {
		if _, err := target.shake(); err == nil {
			return fmt.Errorf("%s is still served", singleHost)
		}
		return nil
	})
	if err := lab.Delete(t.Context(), tenantManifest); err != nil {
		t.Fatal(err)
	}
}

// awaitSet waits until the tenant's ListenerSet says so of itself.
func awaitSet(t *testing.T, kind string, want metav1.ConditionStatus) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		var set gatewayv1.ListenerSet
		if err := lab.Client.Get(ctx, tenantSet, &set); err != nil {
			return err
		}
		for _, c := range set.Status.Conditions {
			if c.Type == kind && c.Status == want && c.ObservedGeneration == set.Generation {
				return nil
			}
		}
		return fmt.Errorf("the ListenerSet is not %s=%s: %+v", kind, want, set.Status.Conditions)
	})
}
