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
	stop(t, "operator")
	stop(t, "webhook")
	old := nginxPod(t)
	kubectl(t, "delete", "pod", "--namespace", old.Namespace, old.Name, "--wait=false")
	eventually(t, func(context.Context) error {
		pods := nginxPods(t)
		if len(pods) != 1 || pods[0].Name == old.Name {
			return fmt.Errorf("pod %s has not been replaced yet", old.Name)
		}
		return nil
	})
	expect(t, laptop(t), "https://"+homelab.Whoami+"/", http.StatusOK)
	expect(t, laptop(t), "https://"+homelab.HomeAssistant+"/", http.StatusOK)
	expect(t, laptop(t), "https://nobody.jarrett.net/", http.StatusNotFound)
	openSocket(t).expectAlive(t)
}
