package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/test/homelab"
)

// rollWhoami replaces both pods of whoami, one after the other, and waits until
// the old ones are gone.
func rollWhoami(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "restart", "--namespace=whoami", "deployment/whoami")
	awaitWhoami(t, 2)
}

// scaleWhoami waits until there are as many pods as wanted, and no more.
func scaleWhoami(t *testing.T, replicas int) {
	t.Helper()
	kubectl(t, "scale", "--namespace=whoami", "deployment/whoami", "--replicas="+strconv.Itoa(replicas))
	awaitWhoami(t, replicas)
}

func awaitWhoami(t *testing.T, wanted int) {
	t.Helper()
	kubectl(t, "rollout", "status", "--namespace=whoami", "deployment/whoami", "--timeout=120s")
	eventually(t, func(ctx context.Context) error {
		var pods corev1.PodList
		err := lab.Client.List(ctx, &pods, client.InNamespace("whoami"), client.MatchingLabels{"app": "whoami"})
		if err == nil && len(pods.Items) != wanted {
			return fmt.Errorf("there are %d pods of whoami instead of %d", len(pods.Items), wanted)
		}
		return err
	})
}

var hostnameLine = regexp.MustCompile(`(?m)^Hostname: (.*)$`)

// expectBackends waits until the requests reach as many pods as wanted.
func expectBackends(t *testing.T, wanted int) {
	t.Helper()
	c := laptop(t)
	eventually(t, func(ctx context.Context) error {
		seen := map[string]bool{}
		for range 10 * wanted {
			got, err := get(ctx, c, "https://"+homelab.Whoami+"/")
			if err != nil {
				return err
			}
			if name := hostnameLine.FindString(got.body); name != "" {
				seen[name] = true
			}
		}
		if len(seen) != wanted {
			return fmt.Errorf("requests reach %d pods instead of %d", len(seen), wanted)
		}
		return nil
	})
}
