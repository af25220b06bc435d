package e2e

import (
	"net/http"
	"testing"

	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/homelab"
)

func TestANewNginxPodServesWithoutTheOperator(t *testing.T) {
	explainFailure(t)
	stop(t, "operator")
	stop(t, "webhook")
	old := nginxPod(t)
	kubectl(t, "delete", "pod", "--namespace", old.Namespace, old.Name, "--wait=false")
	kubectl(t, "rollout", "status", "--namespace", old.Namespace, "deployment/"+infra.Name(homelab.Gateway), "--timeout=60s")
	// The old pod is out of the Service by now, or says that it is about to be.
	if pod := nginxPod(t); pod.Name == old.Name {
		t.Fatalf("pod %s is still there", old.Name)
	}
	expect(t, laptop(t), "https://"+homelab.Whoami+"/", http.StatusOK)
	expect(t, laptop(t), "https://"+homelab.HomeAssistant+"/", http.StatusOK)
	expect(t, laptop(t), "https://nobody.jarrett.net/", http.StatusNotFound)
	openSocket(t).expectAlive(t)
}
