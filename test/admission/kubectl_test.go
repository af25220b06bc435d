package admission

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/test/homelab"
)

// shop is a Gateway with a route to a Service of another namespace.
const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: stock}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: shop, name: home}
spec:
  gatewayClassName: gatewright
  listeners: [{name: http, port: 80, protocol: HTTP, hostname: "*.example.net"}, {name: https, port: 443, protocol: HTTPS, hostname: "*.example.net", tls: {certificateRefs: [{name: shop-tls}]}}]
---
apiVersion: v1
kind: Secret
metadata: {namespace: shop, name: shop-tls}
type: kubernetes.io/tls
stringData: {tls.crt: "", tls.key: ""}
---
apiVersion: v1
kind: Service
metadata: {namespace: stock, name: goods}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {namespace: stock, name: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]
  to: [{group: "", kind: Service}]
---
` + goodsRoute

const goodsRoute = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: shop, name: goods}
spec:
  parentRefs: [{name: home, sectionName: http}]
  hostnames: [goods.example.net]
  rules: [{backendRefs: [{name: goods, namespace: stock, port: 80}]}]
`

// says tries until kubectl says the words: the webhook may not have heard yet of
// what was applied before.
func says(t *testing.T, words string, do func(context.Context) (string, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if err := homelab.Eventually(ctx, func(ctx context.Context) error {
		said, err := do(ctx)
		if err != nil {
			said += err.Error()
		}
		if !strings.Contains(said, words) {
			return fmt.Errorf("kubectl says %q", said)
		}
		return nil
	}); err != nil {
		t.Errorf("want %q: %v", words, err)
	}
}

func setUpShop(t *testing.T) {
	t.Helper()
	if said, err := lab.Apply(t.Context(), shop); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	t.Cleanup(func() {
		if err := lab.Delete(context.Background(), shop); err != nil {
			t.Error(err)
		}
	})
}

// awaitReviews waits until the webhook refuses again.
func awaitReviews(t *testing.T) {
	t.Helper()
	// What the test has deleted: routes of no Gateway of ours are not judged.
	if said, err := lab.Apply(context.Background(), shop); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	says(t, badGoods, func(ctx context.Context) (string, error) { return lab.Apply(ctx, badRoute(), "--dry-run=server") })
}

func TestKubectlTellsWhoWouldLoseByAChange(t *testing.T) {
	setUpShop(t)
	for name, test := range map[string]struct{ object, says string }{
		"a Service":        {"service/goods --namespace stock", "Warning: HTTPRoute shop/goods no longer reaches Service stock/goods"},
		"a ReferenceGrant": {"referencegrant/shop --namespace stock", "Warning: HTTPRoute shop/goods no longer reaches its backend"},
		"a Gateway":        {"gateway/home --namespace shop", "Warning: HTTPRoute shop/goods is no longer served by this Gateway"},
		"a GatewayClass":   {"gatewayclass/gatewright", "Warning: Gateway shop/home is no longer served: its GatewayClass is not Gatewright's any more"},
		"a certificate":    {"secret/shop-tls --namespace shop", "Warning: listener https of Gateway shop/home loses its certificate, which is in Secret shop/shop-tls"},
	} {
		t.Run(name, func(t *testing.T) {
			says(t, test.says, func(ctx context.Context) (string, error) {
				return lab.Kubectl(ctx, append([]string{"delete", "--dry-run=server"}, strings.Fields(test.object)...)...)
			})
		})
	}
	says(t, "Warning: HTTPRoute shop/goods is no longer served by this Gateway", func(ctx context.Context) (string, error) {
		return lab.Kubectl(ctx, "patch", "gateway/home", "--namespace", "shop", "--dry-run=server", "--type=json",
			`--patch=[{"op": "remove", "path": "/spec/listeners/0"}]`)
	})
}

func TestADryRunIsJudgedAndLeavesNothing(t *testing.T) {
	setUpShop(t)
	says(t, badGoods, func(ctx context.Context) (string, error) {
		return lab.Apply(ctx, badRoute(), "--dry-run=server")
	})
	good := strings.Replace(goodsRoute, "name: goods}", "name: good}", 1)
	says(t, "httproute.gateway.networking.k8s.io/good created (server dry run)", func(ctx context.Context) (string, error) {
		return lab.Apply(ctx, good, "--dry-run=server")
	})
	if said, err := lab.Kubectl(t.Context(), "get", "httproutes", "--namespace", "shop", "--output", "name"); err != nil || strings.TrimSpace(said) != "httproute.gateway.networking.k8s.io/goods" {
		t.Errorf("the dry runs left %q: %v", said, err)
	}
}

// TestADeadWebhookBlocksNobody takes the webhook away, and changes what it is
// asked about.
func TestADeadWebhookBlocksNobody(t *testing.T) {
	setUpShop(t)
	bad := badRoute()
	says(t, badGoods, func(ctx context.Context) (string, error) { return lab.Apply(ctx, bad, "--dry-run=server") })
	scale(t, 0)
	t.Cleanup(func() {
		scale(t, 1)
		awaitReviews(t)
	})
	for _, do := range [][]string{
		{"delete", "service/goods", "--namespace", "stock"},
		{"delete", "secret/shop-tls", "--namespace", "shop"},
		{"delete", "gateway/home", "--namespace", "shop"},
		{"delete", "httproute/goods", "--namespace", "shop"},
		{"create", "namespace", "unconcerned"},
		{"delete", "namespace", "unconcerned"},
	} {
		if said, err := lab.Kubectl(t.Context(), do...); err != nil {
			t.Errorf("%v: %s", err, said)
		}
	}
	if said, err := lab.Apply(t.Context(), bad); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	if err := lab.Delete(t.Context(), bad); err != nil {
		t.Error(err)
	}
}

// scale waits until there are as many webhooks as wanted.
func scale(t *testing.T, replicas int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	const deployment = "deployment/gatewright-webhook"
	if _, err := lab.Kubectl(ctx, "scale", deployment, "--namespace", homelab.Namespace, fmt.Sprintf("--replicas=%d", replicas)); err != nil {
		t.Fatal(err)
	}
	if _, err := lab.Kubectl(ctx, "rollout", "status", deployment, "--namespace", homelab.Namespace); err != nil {
		t.Fatal(err)
	}
	if err := homelab.Eventually(ctx, func(ctx context.Context) error {
		var pods corev1.PodList
		err := lab.Client.List(ctx, &pods, client.InNamespace(homelab.Namespace), client.MatchingLabels{"app.kubernetes.io/component": "webhook"})
		if err == nil && len(pods.Items) != replicas {
			return errors.New("it is not so yet")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
