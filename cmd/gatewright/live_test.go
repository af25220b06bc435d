package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/observer"
)

// cluster is an API server that lists the objects, and a kubeconfig for it. It
// refuses whatever is no reading, and to tell of Secrets.
func cluster(t *testing.T, manifests string) (kubeconfig string) {
	t.Helper()
	items := map[string][]any{}
	for document := range strings.SplitSeq(manifests, "---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		kind := fmt.Sprint(object["kind"])
		items[kind] = append(items[kind], object)
	}
	answers := map[string]any{
		"/api": metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}},
	}
	groups := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	resources := map[string][]metav1.APIResource{}
	for _, object := range observer.Kinds() {
		kinds, _, err := observer.Scheme().ObjectKinds(object)
		if err != nil {
			t.Fatal(err)
		}
		kind := kinds[0]
		plural := strings.Replace(strings.ToLower(kind.Kind)+"s", "ys", "ies", 1)
		plural = strings.Replace(plural, "classs", "classes", 1)
		root := "/apis/" + kind.GroupVersion().String()
		if kind.Group == "" {
			root = "/api/v1"
		}
		if resources[root] == nil && kind.Group != "" {
			version := metav1.GroupVersionForDiscovery{GroupVersion: kind.GroupVersion().String(), Version: kind.Version}
			groups.Groups = append(groups.Groups, metav1.APIGroup{
				Name: kind.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version,
			})
		}
		resources[root] = append(resources[root], metav1.APIResource{
			Name: plural, Kind: kind.Kind, Namespaced: kind.Kind != "GatewayClass" && kind.Kind != "Namespace", Verbs: []string{"list"},
		})
		answers[root] = metav1.APIResourceList{
			TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
			GroupVersion: kind.GroupVersion().String(), APIResources: resources[root],
		}
		answers[root+"/"+plural] = map[string]any{
			"kind": kind.Kind + "List", "apiVersion": kind.GroupVersion().String(), "metadata": map[string]any{}, "items": items[kind.Kind],
		}
	}
	answers["/apis"] = groups
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		// cert-manager is looked for, and not there.
		if ok = ok || strings.HasPrefix(r.URL.Path, "/apis/cert-manager.io/"); !ok || r.Method != http.MethodGet {
			t.Errorf("%s %s is asked for", r.Method, r.URL)
			http.NotFound(w, r)
			return
		}
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{"apiVersion": "v1", "kind": "Config", "current-context": "none",
		"clusters": [{"name": "c", "cluster": {"server": "` + server.URL + `"}}],
		"contexts": [{"name": "it", "context": {"cluster": "c"}}, {"name": "none", "context": {"cluster": "missing"}}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const liveCluster = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatewright}
spec: {controllerName: gatewright.dev/gateway-controller}
---
` + homeGateway + "---\n" + goodRoute

func TestLiveJudgesByWhatTheClusterHas(t *testing.T) {
	t.Setenv("KUBECONFIG", cluster(t, liveCluster))
	dir := write(t, map[string]string{"a.yaml": strings.Replace(goodRoute, "name: home,", "name: hme,", 1)})
	t.Chdir(dir)
	var out strings.Builder
	if err := command(t, "lint", "-f", "a.yaml", "--live", "--context", "it").Lint.run(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `a.yaml:5: warning: HTTPRoute blog/whoami: spec.parentRefs[0]: Gateway "hme" not found`) {
		t.Errorf("lint says:\n%s", &out)
	}
}

func TestLiveExplainsWhatTheClusterDoes(t *testing.T) {
	t.Setenv("KUBECONFIG", cluster(t, liveCluster))
	var out strings.Builder
	err := command(t, "render", "--live", "--context", "it", "--explain", "http://whoami.example.net/").Render.run(&out)
	if err != nil {
		t.Fatal(err)
	}
	want := `GET http://whoami.example.net/
  at        Gateway infra/home, listener "web"
  by        HTTPRoute blog/whoami spec.rules[0] matches[0] (whoami.example.net, prefix /)
  answered  from Service blog/whoami:80, with 500 in place of a backend that cannot be used (lint tells why)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAClusterThatCannotBeReadIsUnreadableInput(t *testing.T) {
	t.Setenv("KUBECONFIG", cluster(t, liveCluster))
	dir := write(t, map[string]string{"a.yaml": goodRoute})
	var out strings.Builder
	if got := code(t, command(t, "lint", "-f", dir, "--live").Lint.run(&out)); got != 2 {
		t.Errorf("exit status %d", got)
	}
}

func TestCommandsAskForManifests(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if got := code(t, command(t, "lint").Lint.run(&out)); got != 2 {
		t.Errorf("lint: exit status %d", got)
	}
	if got := code(t, command(t, "render").Render.run(&out)); got != 2 {
		t.Errorf("render: exit status %d", got)
	}
}
