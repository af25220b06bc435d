package admission

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/topology"
	"github.com/gatewright/gatewright/test/homelab"
)

const badGoods = `"/(" is no valid regular expression`

// badRoute is the goods' route with a path that never can be right.
func badRoute() string {
	return strings.Replace(strings.Replace(goodsRoute, "name: goods}", "name: bad}", 1),
		"rules: [{", `rules: [{matches: [{path: {type: RegularExpression, value: "/("}}], `, 1)
}

// installChart upgrades the release, and stops its operator again.
func installChart(t *testing.T, values ...string) {
	t.Helper()
	if err := lab.InstallChart(context.WithoutCancel(t.Context()), values...); err != nil {
		t.Fatal(err)
	}
	if err := stopOperator(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// TestOnlyTheAPIServerIsAnswered has two webhooks that ask for the API server's
// certificate, and others try to be answered by them.
func TestOnlyTheAPIServerIsAnswered(t *testing.T) {
	setUpShop(t)
	installChart(t, "webhook.replicas=2", "webhook.client.configMap=kube-root-ca.crt", "webhook.client.names={"+topology.WebhookClient+"}")
	t.Cleanup(func() { installChart(t) })

	says(t, badGoods, func(ctx context.Context) (string, error) { return lab.Apply(ctx, badRoute(), "--dry-run=server") })

	admin, err := clientcmd.BuildConfigFromFlags("", lab.Cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	other, err := tls.X509KeyPair(admin.CertData, admin.KeyData)
	if err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string][]tls.Certificate{"nobody's certificate": nil, "the administrator's certificate": {other}} {
		if answer, err := ask(t, shown); err == nil || !strings.Contains(err.Error(), "tls: ") {
			t.Errorf("with %s: answered %q (%v)", name, answer, err)
		}
	}
}

// ask sends an empty review to the webhook's Service, from the node.
func ask(t *testing.T, shown []tls.Certificate) (string, error) {
	t.Helper()
	var service corev1.Service
	if err := lab.Client.Get(t.Context(), client.ObjectKey{Namespace: homelab.Namespace, Name: "gatewright-webhook"}, &service); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		DialContext: lab.Cluster.Network(cluster.Node).DialContext,
		// Who it is does not matter here: the webhook is to tell who we are.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: shown}, //nolint:gosec // see above
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"https://"+net.JoinHostPort(service.Spec.ClusterIP, "443")+"/validate-gateway-networking-k8s-io-v1-httproute", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return string(content), err
}

// TestEverybodyIsAnsweredWhereNothingIsSaid shows that the test above could
// fail.
func TestEverybodyIsAnsweredWhereNothingIsSaid(t *testing.T) {
	if answer, err := ask(t, nil); err != nil || !strings.Contains(answer, `"allowed":`) {
		t.Errorf("answered %q (%v)", answer, err)
	}
}

// TestOneOfTwoWebhooksGoesAndReviewsGoOn takes one of two pods away.
func TestOneOfTwoWebhooksGoesAndReviewsGoOn(t *testing.T) {
	setUpShop(t)
	installChart(t, "webhook.replicas=2")
	t.Cleanup(func() { installChart(t) })
	if err := awaitBudget(t, "1"); err != nil {
		t.Fatal(err)
	}
	says(t, badGoods, func(ctx context.Context) (string, error) { return lab.Apply(ctx, badRoute(), "--dry-run=server") })
	var pods corev1.PodList
	if err := lab.Client.List(t.Context(), &pods, client.InNamespace(homelab.Namespace),
		client.MatchingLabels{"app.kubernetes.io/component": "webhook"}); err != nil || len(pods.Items) != 2 {
		t.Fatalf("%d webhooks: %v", len(pods.Items), err)
	}
	if said, err := lab.Kubectl(t.Context(), "delete", "pod", "--namespace", homelab.Namespace, "--wait=false", pods.Items[0].Name); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	says(t, badGoods, func(ctx context.Context) (string, error) { return lab.Apply(ctx, badRoute(), "--dry-run=server") })
}

// awaitBudget waits until that many webhooks may be evicted.
func awaitBudget(t *testing.T, allowed string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return homelab.Eventually(ctx, func(ctx context.Context) error {
		said, err := lab.Kubectl(ctx, "get", "poddisruptionbudget/gatewright-webhook", "--namespace", homelab.Namespace,
			"--output", "jsonpath={.status.disruptionsAllowed}")
		if err == nil && said != allowed {
			return fmt.Errorf("the budget allows %s to go, want %s", said, allowed)
		}
		return err
	})
}
