package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

// route is a route to whoami with the rest of its first rule, as YAML in flow
// style.
func route(name, rule string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: whoami, name: %[1]s}
spec:
  parentRefs: [{namespace: infra, name: jarrett-net, sectionName: jarrett-net}]
  hostnames: [%[1]s.jarrett.net]
  rules: [{%[2]s}]
`, name, rule)
}

const toWhoami = `backendRefs: [{name: whoami, port: 80}]`

func TestBadRoutesAreRefused(t *testing.T) {
	explainFailure(t)
	for _, c := range []struct {
		name, rule string
		reasons    []string
	}{
		{
			name:    "with a path that is no regular expression",
			rule:    `matches: [{path: {type: RegularExpression, value: "/a(b"}}], ` + toWhoami,
			reasons: []string{`spec.rules[0].matches[0].path.value`, `"/a(b" is no valid regular expression`, `missing ")" at offset 4`},
		},
		{
			name:    "with a header to match that is no regular expression",
			rule:    `matches: [{headers: [{type: RegularExpression, name: Version, value: "["}]}], ` + toWhoami,
			reasons: []string{`spec.rules[0].matches[0].headers[0].value`, `missing "]" at offset`},
		},
		{
			name: "with two actions for one header",
			rule: `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {
			         set: [{name: X-Team, value: a}], add: [{name: x-team, value: b}]}}], ` + toWhoami,
			reasons: []string{`spec.rules[0].filters[0].requestHeaderModifier.add[0]`, `has an action already`},
		},
		{
			name: "with a header that belongs to the connection",
			rule: `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {
			         set: [{name: Host, value: example.com}]}}], ` + toWhoami,
			reasons: []string{`spec.rules[0].filters[0].requestHeaderModifier.set[0]`, `use a filter of type URLRewrite with urlRewrite.hostname`},
		},
		{
			name: "with an upgrade to something else than websocket",
			rule: `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {
			         set: [{name: Upgrade, value: h2c}]}}], ` + toWhoami,
			reasons: []string{`spec.rules[0].filters[0].requestHeaderModifier.set[0]`, `write the value websocket`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, err := lab.Apply(t.Context(), route("bad", c.rule))
			if err == nil {
				t.Cleanup(func() { _ = lab.Delete(context.Background(), route("bad", c.rule)) })
				t.Fatalf("it was admitted: %s", said)
			}
			t.Log(said)
			for _, reason := range c.reasons {
				if !strings.Contains(said, reason) {
					t.Errorf("the refusal does not say %q", reason)
				}
			}
		})
	}
}

func TestARouteMayComeBeforeItsService(t *testing.T) {
	explainFailure(t)
	said := apply(t, route("early", `backendRefs: [{name: late, port: 80}]`))
	t.Log(said)
	const sentence = `Service "late" not found in namespace "whoami"`
	if !strings.Contains(said, "Warning: ") || !strings.Contains(said, sentence) {
		t.Errorf("there is no warning about the missing Service")
	}
	key := types.NamespacedName{Namespace: "whoami", Name: "early"}
	eventually(t, func(ctx context.Context) error {
		err := routeIsGood(ctx, key)
		if err == nil {
			return errors.New("the references of the route are said to be resolved")
		}
		if !strings.Contains(err.Error(), "ResolvedRefs=False, BackendNotFound") || !strings.Contains(err.Error(), sentence) {
			return fmt.Errorf("the status does not say what is missing: %w", err)
		}
		return nil
	})
	expect(t, laptop(t), "https://early.jarrett.net/", http.StatusInternalServerError)

	apply(t, `
apiVersion: v1
kind: Service
metadata: {namespace: whoami, name: late}
spec:
  selector: {app: whoami}
  ports: [{name: http, port: 80, targetPort: http}]
`)
	expect(t, laptop(t), "https://early.jarrett.net/", http.StatusOK, "Host: early.jarrett.net")
	eventually(t, func(ctx context.Context) error { return routeIsGood(ctx, key) })
}

func TestWithoutTheWebhookTheOutcomeIsTheSame(t *testing.T) {
	explainFailure(t)
	const asks = `filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Upgrade, value: websocket}]}}], ` + toWhoami
	with := outcome(t, asks)
	if with.mark == "" {
		t.Error("the webhook did not mark the route")
	}
	stop(t, "webhook")
	without := outcome(t, asks)
	if without.mark != "" {
		t.Errorf("the route has the webhook's mark %q while there is no webhook", without.mark)
	}
	if diff := cmp.Diff(with.policy, without.policy); diff != "" {
		t.Errorf("the policy differs (-with the webhook, +without):\n%s", diff)
	}
	// Mistakes are admitted, said in status instead, and kept from nginx.
	for rule, reason := range map[string]string{
		`matches: [{path: {type: RegularExpression, value: "/a(b"}}]`: `"/a(b" is no valid regular expression`,
		fmt.Sprintf(`filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Hostile, value: %q}]}}]`,
			hostileControl): `has the control character`,
	} {
		t.Run("a route that "+reason, func(t *testing.T) {
			apply(t, route("bad", rule+", "+toWhoami))
			eventually(t, func(ctx context.Context) error {
				err := routeIsGood(ctx, types.NamespacedName{Namespace: "whoami", Name: "bad"})
				if err == nil || !strings.Contains(err.Error(), "Accepted=False") || !strings.Contains(err.Error(), reason) {
					return fmt.Errorf("the status does not say what is wrong: %w", err)
				}
				return nil
			})
			expectUnharmed(t)
		})
	}
}

// websocketOutcome is what became of a route that asks for websockets.
type websocketOutcome struct {
	mark   string
	policy v1alpha1.WebSocketPolicySpec
}

// outcome applies a route for a while and returns what became of it.
func outcome(t *testing.T, rule string) websocketOutcome {
	t.Helper()
	var out websocketOutcome
	t.Run("a route asks for websockets", func(t *testing.T) {
		apply(t, route("asks", rule))
		expect(t, laptop(t), "https://asks.jarrett.net/", http.StatusOK)
		var policy v1alpha1.WebSocketPolicy
		key := types.NamespacedName{Namespace: "whoami", Name: "asks-websocket"}
		eventually(t, func(ctx context.Context) error {
			if err := lab.Client.Get(ctx, key, &policy); err != nil {
				return err
			}
			if len(policy.Status.Ancestors) == 0 ||
				!meta.IsStatusConditionTrue(policy.Status.Ancestors[0].Conditions, string(gatewayv1.PolicyConditionAccepted)) {
				return fmt.Errorf("WebSocketPolicy %s is not accepted: %+v", key, policy.Status)
			}
			return nil
		})
		var route gatewayv1.HTTPRoute
		fetch(t, "whoami", "asks", &route)
		out = websocketOutcome{mark: route.Annotations[v1alpha1.AnnotationWebSocket], policy: policy.Spec}
	})
	eventually(t, func(ctx context.Context) error {
		err := lab.Client.Get(ctx, types.NamespacedName{Namespace: "whoami", Name: "asks-websocket"}, &v1alpha1.WebSocketPolicy{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err == nil:
			return errors.New("the policy outlives its route")
		}
		return err
	})
	return out
}
