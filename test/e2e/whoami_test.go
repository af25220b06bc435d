package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/gatewright/gatewright/test/homelab"
)

// rollWhoami replaces all pods of whoami, one after the other.
func rollWhoami(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "restart", "--namespace=whoami", "deployment/whoami")
	kubectl(t, "rollout", "status", "--namespace=whoami", "deployment/whoami", "--timeout=120s")
}

// scaleWhoami waits until there are as many pods as wanted.
func scaleWhoami(t *testing.T, replicas int) {
	t.Helper()
	kubectl(t, "scale", "--namespace=whoami", "deployment/whoami", "--replicas="+strconv.Itoa(replicas))
	kubectl(t, "rollout", "status", "--namespace=whoami", "deployment/whoami", "--timeout=120s")
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
