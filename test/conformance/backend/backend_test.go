package backend_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/gateway-api/conformance"

	"github.com/gatewright/gatewright/test/conformance/backend"
)

func TestReferencesAreTheImagesOfDeploymentsOnce(t *testing.T) {
	t.Parallel()
	const service = "kind: Service\nspec: {ports: [{port: 80}], selector: {app: echo}}\n"
	const deployment = "kind: Deployment\nspec: {template: {spec: {containers: [{image: IMAGE}]}}}\n"
	manifests := fstest.MapFS{
		"base/manifests.yaml": {Data: []byte(service + "---\n" + strings.ReplaceAll(deployment, "IMAGE", "example/echo:v1"))},
		"tests/one.yaml":      {Data: []byte(strings.ReplaceAll(deployment, "IMAGE", "example/echo:v2") + "---\n" + strings.ReplaceAll(deployment, "IMAGE", "example/echo:v1"))},
		"tests/one.go":        {Data: []byte("package tests")},
		"mesh/manifests.yaml": {Data: []byte(strings.ReplaceAll(deployment, "IMAGE", "example/mesh:v1"))},
	}
	got, err := backend.References(manifests)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"example/echo:v1", "example/echo:v2"}, got); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestTheSuitesOwnManifestsAreReadable(t *testing.T) {
	t.Parallel()
	got, err := backend.References(&conformance.Manifests)
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{"echo-basic", "coredns"} {
		if !strings.Contains(strings.Join(got, " "), "/"+repository+":") {
			t.Errorf("no image of %s is among %v", repository, got)
		}
	}
}

func TestAnImageThatNothingBuildsIsNamed(t *testing.T) {
	t.Parallel()
	manifests := fstest.MapFS{"tests/one.yaml": {
		Data: []byte("kind: Deployment\nspec: {template: {spec: {containers: [{image: \"example/new:v1\"}]}}}\n"),
	}}
	_, err := backend.Images(t.Context(), t.Output(), "", manifests)
	if err == nil || !strings.Contains(err.Error(), "example/new:v1") {
		t.Errorf("the error %v does not name the image", err)
	}
}
