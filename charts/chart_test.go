// Package charts_test renders the chart with Helm itself and judges what it
// would install.
package charts_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/test/homelab"
)

// buildHelm builds Helm once for all tests, or finds what the demo has built.
var buildHelm = sync.OnceValues(func() (string, error) {
	return homelab.BuildHelm(context.Background(), os.Stderr, "..")
})

func helm(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	path, err := buildHelm()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), path, arguments...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.Output()
	if err != nil {
		return stderr.String(), err
	}
	return string(stdout), nil
}

// rendered returns the documents that the values give.
func rendered(t *testing.T, values ...string) []string {
	t.Helper()
	arguments := []string{"template", "gatewright", "gatewright", "--namespace", "gatewright-system"}
	for _, value := range values {
		arguments = append(arguments, "--set", value)
	}
	out, err := helm(t, arguments...)
	if err != nil {
		t.Fatalf("helm %v: %v\n%s", arguments, err, out)
	}
	return strings.Split(out, "\n---\n")
}

// all returns the objects of one kind.
func all[T any](t *testing.T, kind string, documents []string) map[string]T {
	t.Helper()
	found := map[string]T{}
	for _, document := range documents {
		var meta metav1.PartialObjectMetadata
		if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		if meta.Kind != kind {
			continue
		}
		var o T
		if err := yaml.UnmarshalStrict([]byte(document), &o); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		found[meta.Name] = o
	}
	return found
}

func TestTheChartHasNothingToCriticise(t *testing.T) {
	t.Parallel()
	if out, err := helm(t, "lint", "--strict", "gatewright"); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestPodsMayDoNothingTheyNeedNot(t *testing.T) {
	t.Parallel()
	deployments := all[appsv1.Deployment](t, "Deployment", rendered(t))
	if len(deployments) != 2 {
		t.Fatalf("%d Deployments, want the operator and the webhook", len(deployments))
	}
	for name, d := range deployments {
		pod := d.Spec.Template.Spec
		if !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: pod security context %v", name, pod.SecurityContext)
		}
		for _, c := range pod.Containers {
			s := c.SecurityContext
			if !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("%s/%s: security context %v", name, c.Name, s)
			}
		}
	}
}

func TestRolesAreBoundToTheirOwnServiceAccounts(t *testing.T) {
	t.Parallel()
	documents := rendered(t)
	roles := all[rbacv1.ClusterRole](t, "ClusterRole", documents)
	bindings := all[rbacv1.ClusterRoleBinding](t, "ClusterRoleBinding", documents)
	accounts := all[corev1.ServiceAccount](t, "ServiceAccount", documents)
	for _, name := range []string{"gatewright-operator", "gatewright-webhook"} {
		if len(roles[name].Rules) == 0 {
			t.Errorf("ClusterRole %s has no rules", name)
		}
		if _, ok := accounts[name]; !ok {
			t.Errorf("there is no ServiceAccount %s", name)
		}
		binding := bindings[name]
		if binding.RoleRef.Name != name || len(binding.Subjects) != 1 || binding.Subjects[0].Name != name {
			t.Errorf("ClusterRoleBinding %s binds %s to %v", name, binding.RoleRef.Name, binding.Subjects)
		}
	}
}

func TestWithoutTheWebhookNothingOfItRemains(t *testing.T) {
	t.Parallel()
	for _, document := range rendered(t, "webhook.enabled=false") {
		if strings.Contains(document, "name: gatewright-webhook\n") || strings.Contains(document, "WebhookConfiguration") {
			t.Errorf("still there:\n%s", document)
		}
	}
}

func TestADigestWinsOverATag(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	operator := all[appsv1.Deployment](t, "Deployment",
		rendered(t, "images.gatewright.tag=v9", "images.gatewright.digest="+digest))["gatewright-operator"]
	image := operator.Spec.Template.Spec.Containers[0].Image
	if !strings.HasSuffix(image, "@"+digest) {
		t.Errorf("image = %s", image)
	}
}

func TestValuesThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ value, want string }{
		"a misspelt knob":                        {"webhook.enable=true", "'enable' not allowed"},
		"a source of certificates that is none":  {"certificates.source=none", "'operator', 'cert-manager'"},
		"no replica":                             {"operator.replicas=0", "minimum"},
		"parameters without their namespace":     {"gatewayClass.parametersRef.name=home", "'namespace' required"},
		"an image that is no image's name":       {"images.nginx.repository=-x", "pattern"},
		"a number of replicas that is no number": {"webhook.replicas=two", "want integer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := helm(t, "template", "gatewright", "gatewright", "--set", test.value)
			if err == nil || !strings.Contains(out, test.want) {
				t.Errorf("--set %s: %v\n%s\nwant: %s", test.value, err, out, test.want)
			}
		})
	}
}
