package webhooks

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/compiler/snapshot"
)

// registered is what the API server is told of one webhook; the mutating and
// the validating kind have the same fields.
type registered = admissionregistrationv1.MutatingWebhook

func manifests(t *testing.T) []registered {
	t.Helper()
	file, err := os.ReadFile("../config/webhook/manifests.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []registered
	for document := range strings.SplitSeq(string(file), "---\n") {
		var configuration struct {
			Webhooks []registered `json:"webhooks"`
		}
		if err := yaml.Unmarshal([]byte(document), &configuration); err != nil {
			t.Fatal(err)
		}
		all = append(all, configuration.Webhooks...)
	}
	return all
}

func TestEveryPathIsRegisteredAndServed(t *testing.T) {
	t.Parallel()
	var told []string
	for _, w := range manifests(t) {
		told = append(told, *w.ClientConfig.Service.Path)
	}
	// Several registrations may lead to one path.
	slices.Sort(told)
	told = slices.Compact(told)
	served := slices.Sorted(maps.Keys(Handlers(testScheme,
		func(context.Context) (snapshot.Snapshot, error) { return snapshot.Snapshot{}, nil })))
	if diff := cmp.Diff(told, served); diff != "" {
		t.Errorf("paths (-registered +served):\n%s", diff)
	}
}

func TestADeadWebhookBlocksNobodysGatewayAPI(t *testing.T) {
	t.Parallel()
	for _, w := range manifests(t) {
		for _, rule := range w.Rules {
			theirs := slices.Contains(rule.APIGroups, "gateway.networking.k8s.io")
			ours := slices.Equal(rule.APIGroups, []string{"gatewright.dev"})
			switch {
			case theirs && *w.FailurePolicy != admissionregistrationv1.Ignore:
				t.Errorf("%s: failurePolicy %s, want Ignore", w.Name, *w.FailurePolicy)
			case slices.Equal(rule.APIGroups, []string{""}):
				checkCore(t, w)
			case ours && slices.Contains(rule.Operations, admissionregistrationv1.Delete) && *w.FailurePolicy != admissionregistrationv1.Ignore:
				t.Errorf("%s keeps objects from being deleted", w.Name)
			case !theirs && !ours:
				t.Errorf("%s is asked about groups %v", w.Name, rule.APIGroups)
			}
		}
		if *w.TimeoutSeconds > 3 {
			t.Errorf("%s: timeoutSeconds %d, want at most 3", w.Name, *w.TimeoutSeconds)
		}
		if *w.SideEffects != admissionregistrationv1.SideEffectClassNone {
			t.Errorf("%s: sideEffects %s, want None", w.Name, *w.SideEffects)
		}
	}
}

// checkCore judges a webhook for kinds that the whole cluster lives by: it may
// cost a second, never a refusal, and is asked about as little as possible.
func checkCore(t *testing.T, w registered) {
	t.Helper()
	if *w.FailurePolicy != admissionregistrationv1.Ignore || *w.TimeoutSeconds > 1 {
		t.Errorf("%s: failurePolicy %s and %d s, want Ignore and at most 1 s", w.Name, *w.FailurePolicy, *w.TimeoutSeconds)
	}
	if w.NamespaceSelector == nil || len(w.MatchConditions) < 2 {
		t.Errorf("%s is asked about more than it needs", w.Name)
	}
	for _, rule := range w.Rules {
		if !slices.Equal(rule.Resources, []string{"services"}) && !slices.Equal(rule.Resources, []string{"secrets"}) {
			t.Errorf("%s is asked about %v", w.Name, rule.Resources)
		}
		if slices.Contains(rule.Operations, admissionregistrationv1.Create) {
			t.Errorf("%s is asked about creations, by which nobody loses anything", w.Name)
		}
	}
}

func TestTheWebhookOnlyReadsAndReadsNoSecrets(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../config/rbac/webhook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var role rbacv1.ClusterRole
	if err := yaml.Unmarshal(file, &role); err != nil {
		t.Fatal(err)
	}
	if len(role.Rules) == 0 {
		t.Fatal("the role has no rules")
	}
	for _, rule := range role.Rules {
		for _, verb := range rule.Verbs {
			if !slices.Contains([]string{"get", "list", "watch"}, verb) {
				t.Errorf("it may %s %v", verb, rule.Resources)
			}
		}
		for _, resource := range rule.Resources {
			if resource == "secrets" || resource == "*" {
				t.Errorf("it may read %s", resource)
			}
		}
	}
}
