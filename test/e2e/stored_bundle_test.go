package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/gatewright/gatewright/test/homelab"
)

func TestANewNginxPodServesWithoutTheOperator(t *testing.T) {
	explainFailure(t)
	t.Run("after changes until the last minute", func(t *testing.T) {
		for _, name := range []string{"last-but-one", "last"} {
			apply(t, route(name, toWhoami))
			expect(t, laptop(t), "https://"+name+".jarrett.net/", http.StatusOK)
		}
		stop(t, "operator")
		stop(t, "webhook")
		replaceNginx(t)
		for _, host := range []string{homelab.Whoami, homelab.HomeAssistant, "last-but-one.jarrett.net", "last.jarrett.net"} {
			expect(t, laptop(t), "https://"+host+"/", http.StatusOK)
		}
		expect(t, laptop(t), "https://nobody.jarrett.net/", http.StatusNotFound)
		openSocket(t).expectAlive(t)
	})
	// The operator is back, and at work.
	for _, name := range []string{"last-but-one", "last"} {
		expect(t, laptop(t), "https://"+name+".jarrett.net/", http.StatusNotFound)
	}
}

// replaceNginx deletes the pod of nginx and waits until only its successor is
// there.
func replaceNginx(t *testing.T) {
	t.Helper()
	old := nginxPod(t)
	kubectl(t, "delete", "pod", "--namespace", old.Namespace, old.Name, "--wait=false")
	eventually(t, func(context.Context) error {
		pods := nginxPods(t)
		if len(pods) != 1 || pods[0].Name == old.Name {
			return fmt.Errorf("pod %s has not been replaced yet", old.Name)
		}
		return nil
	})
}
