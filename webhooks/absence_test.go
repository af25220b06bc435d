package webhooks

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/corpus"
)

// Every case of the corpus comes out the same with and without admission: from
// its objects as they are written, and from what admission makes of them.
func TestTheAbsenceOfTheWebhookChangesNoOutcome(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../test/cases/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	changed := map[string]int{}
	for _, path := range paths {
		s, err := corpus.ReadCase(path)
		if err != nil {
			t.Fatal(err)
		}
		options := compiler.Options{Infra: infra.Options{Image: "nginx"}}
		without := compiler.Run(s, options)
		with := compiler.Run(admitted(t, s, changed), options)
		if diff := cmp.Diff(without, with); diff != "" {
			t.Errorf("%s (-without admission +with):\n%s", path, diff)
		}
	}
	for _, kind := range []string{"HTTPRoute", "Gateway"} {
		if changed[kind] == 0 {
			t.Errorf("in no case is there a %s that admission changes", kind)
		}
	}
	t.Logf("%d cases; admission changed %v", len(paths), changed)
}

// admitted returns the snapshot as it would be if all its objects had come by
// admission, Gateways first, and counts the objects that it changed.
func admitted(t *testing.T, s snapshot.Snapshot, changed map[string]int) snapshot.Snapshot {
	t.Helper()
	var objects []metav1.Object
	for _, g := range s.Gateways.All() {
		objects = append(objects, g)
	}
	for _, r := range s.HTTPRoutes.All() {
		objects = append(objects, r)
	}
	for _, o := range objects {
		after, differs := mutated(t, s, o)
		if !differs {
			continue
		}
		changed[kindOf(o)]++
		s = s.With(after)
		if again, differs := mutated(t, s, after); differs {
			t.Errorf("admission changes %s %s/%s again:\n%s", kindOf(o), o.GetNamespace(), o.GetName(), cmp.Diff(after, again))
		}
	}
	return s
}

func kindOf(o metav1.Object) string { return reflect.TypeOf(o).Elem().Name() }

// mutated sends the object through the webhook that changes its kind, and says
// whether it does.
func mutated(t *testing.T, s snapshot.Snapshot, o metav1.Object) (after metav1.Object, differs bool) {
	t.Helper()
	document, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for path := range Handlers(testScheme, nil) {
		if !strings.HasPrefix(path, "/mutate-") || !strings.HasSuffix(path, "-"+strings.ToLower(kindOf(o))) {
			continue
		}
		response := review(t, s, path, "", string(document))
		if !response.Allowed {
			t.Fatalf("%s refuses: %v", path, response.Result)
		}
		if response.Patch == nil {
			continue
		}
		patch, err := jsonpatch.DecodePatch(response.Patch)
		if err != nil {
			t.Fatal(err)
		}
		if document, err = patch.Apply(document); err != nil {
			t.Fatal(err)
		}
		differs = differs || len(patch) > 0
	}
	return decode(t, string(document)), differs
}
