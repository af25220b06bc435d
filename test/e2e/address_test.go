package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/test/homelab"
)

func TestAGatewayHasTheAddressItAsksFor(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "static")
	key := types.NamespacedName{Namespace: "static", Name: "edge"}

	const wanted = "192.168.77.142"
	apply(t, gatewayManifest("static", "addresses: [{type: IPAddress, value: "+wanted+"}]"))
	got, err := lab.GatewayAddress(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got != wanted {
		t.Errorf("the Gateway has the address %s instead of %s", got, wanted)
	}
	expect(t, laptopFor(t, wanted), "http://static.home/", http.StatusFound)
}

// TestAGatewaySaysWhyItHasNoAddress has MetalLB refuse in every way that it
// knows. It says why in Events on the Service alone; the Gateway's condition has
// the same words.
func TestAGatewaySaysWhyItHasNoAddress(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "first")
	const shared = "192.168.77.143"
	apply(t, gatewayManifest("first", "addresses: [{type: IPAddress, value: "+shared+"}]\n  infrastructure: {annotations: {metallb.io/allow-shared-ip: home}}"))
	if _, err := lab.GatewayAddress(t.Context(), types.NamespacedName{Namespace: "first", Name: "edge"}); err != nil {
		t.Fatal(err)
	}
	for namespace, c := range map[string]struct {
		spec, reason string
		words        []string
	}{
		"in-no-pool": {
			"addresses: [{type: IPAddress, value: 10.9.9.9}]", "AddressNotUsable", []string{"AllocationFailed", `is not allowed in config`},
		},
		"taken": {
			"addresses: [{type: IPAddress, value: " + shared + "}]", "AddressNotUsable", []string{"AllocationFailed", "can't change sharing key"},
		},
		"port-taken": {
			"addresses: [{type: IPAddress, value: " + shared + "}]\n  infrastructure: {annotations: {metallb.io/allow-shared-ip: home}}",
			"AddressNotUsable", []string{"AllocationFailed", "port TCP/80 is already in use"},
		},
		"no-such-pool": {
			"infrastructure: {annotations: {metallb.io/address-pool: nowhere}}", "AddressNotAssigned", []string{"AllocationFailed", `unknown pool "nowhere"`},
		},
	} {
		t.Run(namespace, func(t *testing.T) {
			newNamespace(t, namespace)
			apply(t, gatewayManifest(namespace, c.spec))
			eventually(t, func(ctx context.Context) error {
				return saysWhy(ctx, types.NamespacedName{Namespace: namespace, Name: "edge"}, c.reason, c.words)
			})
			// The kernel drops a SIGTERM that reaches a container's first process before
			// it can take any, and the pod would stay for its whole grace period.
			kubectl(t, "wait", "--namespace="+namespace, "--for=condition=Available", "--timeout=60s", "deployment/gatewright-edge")
		})
	}
}

// saysWhy requires that the Gateway is not programmed for the reason and in the
// words.
func saysWhy(ctx context.Context, key types.NamespacedName, reason string, words []string) error {
	var gateway gatewayv1.Gateway
	if err := lab.Client.Get(ctx, key, &gateway); err != nil {
		return err
	}
	err := homelab.IsTrue(gateway.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed), gateway.Generation)
	if err == nil {
		return errors.New("the Gateway is programmed")
	}
	for _, word := range append([]string{"Programmed=False, " + reason + ": "}, words...) {
		if !strings.Contains(err.Error(), word) {
			return fmt.Errorf("the Gateway does not say %q: %w", word, err)
		}
	}
	return nil
}

// TestWhatOthersWriteOnTheServiceStays annotates the Service by hand, as one does
// to try another address, and leaves MetalLB its own annotation.
func TestWhatOthersWriteOnTheServiceStays(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "by-hand")
	apply(t, gatewayManifest("by-hand", ""))
	key := types.NamespacedName{Namespace: "by-hand", Name: "edge"}
	first, err := lab.GatewayAddress(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	const wanted = "192.168.77.144"
	kubectl(t, "annotate", "service", "--namespace=by-hand", "gatewright-edge", "metallb.io/loadBalancerIPs="+wanted)
	eventually(t, func(ctx context.Context) error {
		var gateway gatewayv1.Gateway
		if err := lab.Client.Get(ctx, key, &gateway); err != nil {
			return err
		}
		if len(gateway.Status.Addresses) != 1 || gateway.Status.Addresses[0].Value != wanted {
			return fmt.Errorf("the Gateway has the addresses %v, had %s", gateway.Status.Addresses, first)
		}
		return nil
	})
	// The operator has the Service in its hands once more.
	kubectl(t, "patch", "--namespace=by-hand", "gateway", "edge", "--type=json", "--patch",
		`[{"op": "add", "path": "/spec/listeners/-", "value": {"name": "more", "port": 8080, "protocol": "HTTP"}}]`)
	expect(t, laptopFor(t, wanted), "http://by-hand.home:8080/", http.StatusFound)
	var service corev1.Service
	fetch(t, "by-hand", "gatewright-edge", &service)
	if got := service.Annotations["metallb.io/loadBalancerIPs"]; got != wanted {
		t.Errorf("the annotation written by hand is %q", got)
	}
	if service.Annotations["metallb.io/ip-allocated-from-pool"] == "" {
		t.Errorf("MetalLB's own annotation is gone: %v", service.Annotations)
	}
}
