package webhooks

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/lint"
	"github.com/gatewright/gatewright/manifest"
	"github.com/gatewright/gatewright/premise"
)

// said is what a user is told of one object.
type said struct {
	Denials  []string
	Warnings []string
}

// TestLintSaysWhatAdmissionSays applies each object of each case, as the last
// one, and compares the webhooks' answer with the lint of the case's manifests.
// EndpointSlices are left out of both: admission does not read them, so lint
// says more where it is given some.
func TestLintSaysWhatAdmissionSays(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("../test/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			manifests := manifestsOf(t, path)
			options := premise.Options{Complete: true}
			linted := linted(lint.Of(manifests, options))
			p := premise.Of(manifests, options)
			for _, o := range p.Objects {
				want, judged := applied(t, o, p.Snapshot)
				if !judged {
					continue
				}
				if diff := cmp.Diff(want, linted[o.ID()], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-admission +lint):\n%s", o.ID(), diff)
				}
			}
		})
	}
}

func manifestsOf(t *testing.T, path string) manifest.Manifests {
	t.Helper()
	every, err := os.ReadFile("../test/cases/every.yaml")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "in.yaml" {
			m := manifest.Decode(path, slices.Concat(every, []byte("\n---\n"), f.Data), manifest.Options{})
			m.Objects = slices.DeleteFunc(m.Objects, func(o manifest.Object) bool { return o.Kind == "EndpointSlice" })
			return m
		}
	}
	t.Fatalf("%s has no in.yaml", path)
	return manifest.Manifests{}
}

// applied returns the answer of admission to the creation of the object, after
// its completion; false where no webhook is asked.
func applied(t *testing.T, o manifest.Object, s snapshot.Snapshot) (said, bool) {
	t.Helper()
	paths := map[string][2]string{
		"HTTPRoute":       {httpRouteMutatePath, httpRouteValidatePath},
		"Gateway":         {gatewayMutatePath, gatewayValidatePath},
		"GatewayConfig":   {"", gatewayConfigValidatePath},
		"WebSocketPolicy": {"", webSocketPolicyValidatePath},
	}
	path, ok := paths[o.Kind]
	if !ok {
		return said{}, false
	}
	document, err := json.Marshal(o.Object)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Without(o.Object)
	if path[0] != "" {
		completion := review(t, before, path[0], "", string(document))
		if !completion.Allowed {
			t.Fatalf("%s was not completed: %s", o.ID(), completion.Result.Message)
		}
		if len(completion.Patch) > 0 {
			document = patched(t, document, completion.Patch)
		}
	}
	response := review(t, before, path[1], "", string(document))
	answer := said{Warnings: response.Warnings}
	if !response.Allowed {
		answer.Denials = strings.Split(response.Result.Message, "\n")
	}
	return sorted(answer), true
}

func patched(t *testing.T, document, operations []byte) []byte {
	t.Helper()
	patch, err := jsonpatch.DecodePatch(operations)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := patch.Apply(document)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// linted returns what lint says of each object, in as many words as a warning
// may have.
func linted(r lint.Report) map[diagnostic.Object]said {
	all := map[diagnostic.Object]said{}
	for _, f := range r.Findings {
		s := all[f.Object]
		if f.Severity == diagnostic.Deny {
			s.Denials = append(s.Denials, f.Diagnostic.String())
		} else {
			s.Warnings = append(s.Warnings, cut(f.Diagnostic.String()))
		}
		all[f.Object] = sorted(s)
	}
	return all
}

func sorted(s said) said {
	slices.Sort(s.Denials)
	slices.Sort(s.Warnings)
	return s
}
