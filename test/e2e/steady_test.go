package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/homelab"
)

func TestNoRequestFailsWhileThingsChange(t *testing.T) {
	explainFailure(t)
	load, end := startLoad(t)
	time.Sleep(calm)

	load.begin("whoami is rolled")
	rollWhoami(t)
	load.begin("whoami is scaled from 2 to 5 to 1")
	for _, replicas := range []int{5, 1} {
		scaleWhoami(t, replicas)
		expectBackends(t, replicas)
	}
	load.begin("whoami is scaled back to 2")
	scaleWhoami(t, 2)
	load.begin("a route is changed")
	changeRoute(t)
	load.begin("a listener is added")
	addSecondDomain(t)
	expect(t, laptop(t), "https://"+homelab.SecondDomain+"/", http.StatusOK)
	load.begin("nginx is upgraded")
	upgradeNginx(t)
	load.begin("calm again")
	time.Sleep(calm)

	end()
	load.report(t)
}

// changeRoute has whoami's route add a header to answers, and waits for it.
func changeRoute(t *testing.T) {
	t.Helper()
	c := laptop(t)
	changed := func(ctx context.Context, wanted string) error {
		return homelab.Eventually(ctx, func(ctx context.Context) error {
			got, err := get(ctx, c, "https://"+homelab.Whoami+"/")
			if err == nil && got.header.Get("X-Changed") != wanted {
				err = fmt.Errorf("the answer has X-Changed %q instead of %q", got.header.Get("X-Changed"), wanted)
			}
			return err
		})
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := lab.Kubectl(ctx, "patch", "--namespace=whoami", "httproute", "whoami", "--type=json",
			"--patch", `[{"op": "remove", "path": "/spec/rules/0/filters"}]`); err != nil {
			t.Error(err)
		}
		if err := changed(ctx, ""); err != nil {
			t.Error(err)
		}
	})
	kubectl(t, "patch", "--namespace=whoami", "httproute", "whoami", "--type=json", "--patch",
		`[{"op": "add", "path": "/spec/rules/0/filters", "value": [{"type": "ResponseHeaderModifier",
		   "responseHeaderModifier": {"set": [{"name": "X-Changed", "value": "yes"}]}}]}]`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := changed(ctx, "yes"); err != nil {
		t.Fatal(err)
	}
}

// upgradeNginx has Helm name another version of the nginx image, and waits until
// the old pod has finished its connections and is gone.
func upgradeNginx(t *testing.T) {
	t.Helper()
	const next = "next"
	if err := lab.TagNginx(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if err := lab.InstallChart(t.Context(), "images.nginx.tag="+next); err != nil {
		t.Fatal(err)
	}
	key := types.NamespacedName{Namespace: homelab.Gateway.Namespace, Name: infra.Name(homelab.Gateway)}
	eventually(t, func(ctx context.Context) error {
		var deployment appsv1.Deployment
		if err := lab.Client.Get(ctx, key, &deployment); err != nil {
			return err
		}
		image := deployment.Spec.Template.Spec.Containers[0].Image
		if !strings.HasSuffix(image, ":"+next) {
			return fmt.Errorf("Deployment %s still has image %s", key, image)
		}
		return nil
	})
	kubectl(t, "rollout", "status", "--namespace", key.Namespace, "deployment/"+key.Name, "--timeout=120s")
	eventually(t, func(context.Context) error {
		if n := len(nginxPods(t)); n != 1 {
			return fmt.Errorf("there are %d pods of nginx", n)
		}
		return nil
	})
}
