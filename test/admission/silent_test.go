package admission

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/topology"
	"github.com/gatewright/gatewright/test/homelab"
)

// silentEndpoint stands for a webhook that takes connections and says nothing,
// as one does whose node hangs.
const silentEndpoint = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: ` + homelab.Namespace + `, name: silent, labels: {kubernetes.io/service-name: gatewright-webhook}}
addressType: IPv4
ports: [{name: https, port: 9443, protocol: TCP}]
endpoints: [{addresses: ["` + topology.LANHostIP + `"], conditions: {ready: true}}]
`

const someConfig = `
apiVersion: gatewright.dev/v1alpha1
kind: GatewayConfig
metadata: {namespace: shop, name: big}
spec: {drainTimeout: 1h}
`

// TestASilentWebhookBlocksNobody leads the API server to a webhook that never
// answers. Each call then takes as long as its timeout, and goes on.
func TestASilentWebhookBlocksNobody(t *testing.T) {
	setUpShop(t)
	if said, err := lab.Apply(t.Context(), someConfig); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	beSilent(t)
	if said, err := lab.Apply(t.Context(), badRoute()); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	for _, do := range [][]string{
		{"delete", "service/goods", "--namespace", "stock"},
		{"delete", "secret/shop-tls", "--namespace", "shop"},
		{"delete", "httproute/bad", "--namespace", "shop"},
		{"delete", "gateway/home", "--namespace", "shop"},
		{"delete", "gatewayconfig/big", "--namespace", "shop"},
	} {
		if said, err := lab.Kubectl(t.Context(), do...); err != nil {
			t.Errorf("%v: %s", err, said)
		}
	}
	// Only our own kinds wait for it.
	if said, err := lab.Apply(t.Context(), someConfig); err == nil || !strings.Contains(err.Error(), "gatewayconfig.validate.gatewright.dev") {
		t.Errorf("a GatewayConfig is applied unchecked: %s (%v)", said, err)
	}
}

// beSilent puts the silent endpoint in the webhooks' place for the time of the
// test.
func beSilent(t *testing.T) {
	t.Helper()
	listener, err := lab.Cluster.Network(cluster.LANHost).Listen(t.Context(), "tcp", net.JoinHostPort(topology.LANHostIP, "9443"))
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = connection.Close() })
			select {
			case asked <- struct{}{}:
			default:
			}
		}
	}()
	service := func(selector string) {
		// The old webhooks' connections end with them.
		scale(t, 0)
		if said, err := lab.Kubectl(context.Background(), "patch", "service/gatewright-webhook", "--namespace", homelab.Namespace,
			"--type=merge", `--patch={"spec": {"selector": `+selector+`}}`); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}
	selector, err := lab.Kubectl(t.Context(), "get", "service/gatewright-webhook", "--namespace", homelab.Namespace, "--output", "jsonpath={.spec.selector}")
	if err != nil {
		t.Fatal(err)
	}
	service("null")
	if said, err := lab.Apply(t.Context(), silentEndpoint); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	t.Cleanup(func() {
		_ = listener.Close()
		if err := lab.Delete(context.Background(), silentEndpoint); err != nil {
			t.Error(err)
		}
		service(selector)
		scale(t, 1)
		awaitReviews(t)
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// Until the way through the Service leads there.
	if err := homelab.Eventually(ctx, func(ctx context.Context) error {
		said, err := lab.Apply(ctx, badRoute(), "--dry-run=server")
		select {
		case <-asked:
			return nil
		default:
			return errors.Join(errors.New("the silent webhook is not asked: "+said), err)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
