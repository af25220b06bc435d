package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/homelab"
)

// nginxPods are the pods of the sample's Gateway, those that end among them.
func nginxPods(t *testing.T) []corev1.Pod {
	t.Helper()
	return nginxPodsOf(t, homelab.Gateway)
}

func nginxPodsOf(t *testing.T, gateway types.NamespacedName) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	if err := lab.Client.List(t.Context(), &pods, client.InNamespace(gateway.Namespace),
		client.MatchingLabels{v1alpha1.LabelGateway: gateway.Name}); err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// nginxPod is the only pod of the sample's Gateway that is to stay.
func nginxPod(t *testing.T) corev1.Pod {
	t.Helper()
	return nginxPodOf(t, homelab.Gateway)
}

func nginxPodOf(t *testing.T, gateway types.NamespacedName) corev1.Pod {
	t.Helper()
	staying := slices.DeleteFunc(nginxPodsOf(t, gateway), func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	if len(staying) != 1 {
		t.Fatalf("the Gateway has %d pods instead of one", len(staying))
	}
	return staying[0]
}

// reloads is how often the nginx of the sample's Gateway has been reloaded.
func reloads(t *testing.T) int {
	t.Helper()
	return reloadsOf(t, homelab.Gateway)
}

func reloadsOf(t *testing.T, gateway types.NamespacedName) int {
	t.Helper()
	pod := nginxPodOf(t, gateway)
	inside := &http.Client{Transport: &http.Transport{
		DialContext: lab.Cluster.Network(cluster.Node).DialContext, DisableKeepAlives: true,
	}}
	page := "http://" + net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(bundle.HealthPort)) + "/metrics"
	// A reload counts when it is over, which is later than when its first worker
	// answers.
	eventually(t, func(ctx context.Context) error {
		applying, err := metric(ctx, inside, page, "gatewright_agent_applying")
		if err == nil && applying > 0 {
			return errors.New("the agent is still at work")
		}
		return err
	})
	n, err := metric(t.Context(), inside, page, "gatewright_agent_reloads_total")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// metric reads a counter without labels.
func metric(ctx context.Context, c *http.Client, url, name string) (int, error) {
	page, err := get(ctx, c, url)
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(strings.NewReader(page.body))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.Atoi(value)
		}
	}
	return 0, fmt.Errorf("there is no %s at %s: %s", name, url, page.body)
}
