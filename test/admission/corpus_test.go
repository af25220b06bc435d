package admission

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/test/homelab"
)

const cases = "../cases"

// verdict is an entry of a case's diagnostics.txt.
type verdict struct {
	severity diagnostic.Severity
	check    string
	// sentence is what the user is to be told.
	sentence string
}

// outcomes has the checks that the API server was seen to pass on, by how.
type outcomes struct {
	// refused by the webhook, in the words of the check.
	refused map[string]bool
	// warned of by the webhook, in the words of the check.
	warned map[string]bool
	// schema are checks whose objects the CRD's own validation refuses first.
	schema map[string]bool
}

func TestTheAPIServerSaysWhatTheCasesSay(t *testing.T) {
	seen := outcomes{refused: map[string]bool{}, warned: map[string]bool{}, schema: map[string]bool{}}
	every, err := os.ReadFile(filepath.Join(cases, "every.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	common := slices.DeleteFunc(objectsIn(t, every), func(o *unstructured.Unstructured) bool { return o.GetKind() == "GatewayClass" })
	if err := makeNamespaces(t.Context(), common); err != nil {
		t.Fatal(err)
	}
	for _, o := range common {
		if err := api.create(t, o, false); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s: %v", cases, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			seen.judge(t, objectsIn(t, section(archive, "in.yaml")), verdictsIn(section(archive, "diagnostics.txt")))
		})
	}
	seen.complete(t)
}

func section(archive *txtar.Archive, name string) []byte {
	for _, f := range archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// verdictsIn reads the diagnostics of a case, by object.
func verdictsIn(text []byte) map[string][]verdict {
	all := map[string][]verdict{}
	var object string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if sentence, ok := strings.CutPrefix(line, "    "); ok {
			last := &all[object][len(all[object])-1]
			last.sentence = sentence
			continue
		}
		head, rest, _ := strings.Cut(line, ": ")
		severity, check, _ := strings.Cut(head, " ")
		object, _, _ = strings.Cut(rest, " (")
		all[object] = append(all[object], verdict{severity: diagnostic.Severity(severity), check: check})
	}
	return all
}

// judge applies the objects of a case, and compares what the API server says of
// each with the case.
func (s outcomes) judge(t *testing.T, objects []*unstructured.Unstructured, wanted map[string][]verdict) {
	t.Helper()
	if err := makeNamespaces(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	var admitted []*unstructured.Unstructured
	whole := true
	for _, o := range inOrder(objects) {
		if o.GetKind() == "Namespace" {
			if err := label(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			continue
		}
		denials := slices.DeleteFunc(slices.Clone(wanted[named(o)]), func(v verdict) bool { return v.severity != diagnostic.Deny })
		err := api.create(t, o.DeepCopy(), len(denials) > 0)
		switch {
		case err == nil && len(denials) > 0:
			t.Errorf("%s is admitted, though: %v", named(o), denials)
		case err == nil:
			admitted = append(admitted, o)
		case apierrors.IsAlreadyExists(err) && o.GetKind() == "GatewayClass":
		case s.refusedInWords(t, o, denials, err):
		default:
			t.Logf("%s is refused before the webhook is asked: %v", named(o), err)
			whole = false
			for _, v := range wanted[named(o)] {
				s.schema[v.check] = true
			}
		}
	}
	for _, o := range admitted {
		s.listen(t, o, wanted[named(o)], whole)
	}
}

// label gives a namespace the labels that the case has.
func label(ctx context.Context, namespace *unstructured.Unstructured) error {
	args := []string{"label", "--overwrite", "namespace", namespace.GetName()}
	for key, value := range namespace.GetLabels() {
		args = append(args, key+"="+value)
	}
	_, err := lab.Kubectl(ctx, args...)
	return err
}

// refusedInWords says whether the webhook refused the object, and requires that
// it says all that the case says.
func (s outcomes) refusedInWords(t *testing.T, o *unstructured.Unstructured, denials []verdict, err error) bool {
	t.Helper()
	if !slices.ContainsFunc(denials, func(d verdict) bool { return strings.Contains(err.Error(), d.sentence) }) {
		return false
	}
	for _, d := range denials {
		s.refused[d.check] = true
		if !strings.Contains(err.Error(), d.sentence) {
			t.Errorf("the refusal of %s does not say %q: %v", named(o), d.sentence, err)
		}
	}
	return true
}

// listen waits until the API server warns of all that the case says of an
// object that was admitted. Where objects of the case are missing, as the API
// server refused them by itself, others may be said to be in another state.
func (s outcomes) listen(t *testing.T, o *unstructured.Unstructured, wanted []verdict, whole bool) {
	t.Helper()
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(v verdict) bool {
		return v.severity != diagnostic.Warn || statusOnly(v.check) || o.GetKind() == "GatewayClass"
	})
	var said, missing []string
	listen := func(ctx context.Context) (err error) {
		if said, err = api.ask(ctx, o); err != nil {
			return err
		}
		missing = nil
		for _, v := range wanted {
			if !has(said, v.sentence) {
				missing = append(missing, v.sentence)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%s: no warning %q among %q", named(o), missing, said)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if whole {
		if err := homelab.Eventually(ctx, listen); err != nil {
			t.Error(err)
		}
	} else if err := listen(ctx); err != nil {
		t.Log(err)
	}
	for _, v := range wanted {
		if has(said, v.sentence) {
			s.warned[v.check] = true
		}
	}
}

func statusOnly(id string) bool {
	for _, c := range diagnostic.Checks() {
		if c.ID == id {
			return c.StatusOnly
		}
	}
	return false
}

// complete compares the checks that were seen with those that there are.
func (s outcomes) complete(t *testing.T) {
	t.Helper()
	for _, c := range diagnostic.Checks() {
		told := s.refused[c.ID] || s.warned[c.ID]
		switch {
		case c.StatusOnly:
		case c.BySchema && (told || !s.schema[c.ID]):
			t.Errorf("%s: the schema was not seen to refuse it, or admission was", c.ID)
		case !c.BySchema && c.Severity == diagnostic.Deny && !s.refused[c.ID]:
			t.Errorf("%s was never seen to refuse anything", c.ID)
		case !c.BySchema && c.Severity == diagnostic.Warn && !s.warned[c.ID]:
			t.Errorf("%s was never seen to warn", c.ID)
		}
	}
}
