package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/test/homelab"
)

// socketPolicy is a user's policy for the sample's Home Assistant, with more of
// its spec as YAML in flow style.
func socketPolicy(name, spec string) string {
	return fmt.Sprintf(`
apiVersion: gatewright.dev/v1alpha1
kind: WebSocketPolicy
metadata: {namespace: home-assistant, name: %s}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: home-assistant}], %s}
`, name, spec)
}

// expectPolicy waits until the policy's condition Accepted is of the reason and
// says the text.
func expectPolicy(t *testing.T, name, reason, text string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		var policy v1alpha1.WebSocketPolicy
		if err := lab.Client.Get(ctx, types.NamespacedName{Namespace: "home-assistant", Name: name}, &policy); err != nil {
			return err
		}
		for _, a := range policy.Status.Ancestors {
			c := meta.FindStatusCondition(a.Conditions, string(gatewayv1.PolicyConditionAccepted))
			if c != nil && c.Reason == reason && strings.Contains(c.Message, text) {
				t.Logf("WebSocketPolicy %s: Accepted=%s %s: %s", name, c.Status, c.Reason, c.Message)
				return nil
			}
		}
		return fmt.Errorf("the status of WebSocketPolicy %s is %+v", name, policy.Status)
	})
}

// expectSocketRefused waits until a request for a websocket is answered with the
// code.
func expectSocketRefused(t *testing.T, origin string, code int) {
	t.Helper()
	eventually(t, func(context.Context) error {
		conn, response, err := dialSocket(t, originHeader(origin))
		if err == nil {
			_ = conn.CloseNow()
			return fmt.Errorf("a websocket from %q was opened", origin)
		}
		if response == nil || response.StatusCode != code {
			return fmt.Errorf("a websocket from %q was refused otherwise: %w", origin, err)
		}
		return nil
	})
}

func originHeader(origin string) http.Header {
	if origin == "" {
		return nil
	}
	return http.Header{"Origin": {origin}}
}

func TestAWebSocketPolicyLimitsWebSockets(t *testing.T) {
	explainFailure(t)
	const own = "https://" + homelab.HomeAssistant
	pod := nginxPod(t).Name
	expectPolicy(t, "home-assistant-websocket", "Accepted", "in effect")
	t.Run("while a user's policy is there", func(t *testing.T) {
		apply(t, socketPolicy("mine", `allowedOrigins: ["`+own+`", "https://*.elsewhere.net"], maxConnections: 2, drainTimeout: 30m`))
		expectPolicy(t, "mine", "Accepted", "open websockets live through a reload for 24h, and through the replacement of a pod for 30m")
		expectPolicy(t, "home-assistant-websocket", "Overridden", `WebSocketPolicy "mine" takes the place of this one`)

		expectSocketRefused(t, "https://evil.example", http.StatusForbidden)
		expectSocketRefused(t, "https://elsewhere.net", http.StatusForbidden)
		expect(t, laptop(t), own+"/", http.StatusOK)

		var sockets []*socket
		for _, origin := range []string{own, "https://a.b.elsewhere.net"} {
			conn, _, err := dialSocket(t, originHeader(origin))
			if err != nil {
				t.Fatalf("open a websocket from %s: %v", origin, err)
			}
			sockets = append(sockets, busySocket(t, conn))
		}
		expectSocketRefused(t, "", http.StatusServiceUnavailable)
		expect(t, laptop(t), own+"/", http.StatusOK)

		// A reload leaves them open, and counted.
		before := reloads(t)
		apply(t, route("meanwhile", toWhoami))
		expect(t, laptop(t), "https://meanwhile.jarrett.net/", http.StatusOK)
		if after := reloads(t); after == before {
			t.Error("nginx was not reloaded: the route came by another way than this test is about")
		}
		for _, s := range sockets {
			s.expectAlive(t)
		}
		expectSocketRefused(t, own, http.StatusServiceUnavailable)
	})
	// They are closed now.
	expectPolicy(t, "home-assistant-websocket", "Accepted", "in effect")
	eventually(t, func(context.Context) error {
		conn, _, err := dialSocket(t, originHeader("https://evil.example"))
		if err != nil {
			return fmt.Errorf("without the policy: %w", err)
		}
		return conn.CloseNow()
	})
	if now := nginxPod(t).Name; now != pod {
		t.Errorf("the policy had pod %s replaced by %s", pod, now)
	}
}

func TestADrainTimeoutNeitherReloadsNorReplacesPods(t *testing.T) {
	explainFailure(t)
	const policy = `idleTimeout: 1h, drainTimeout: `
	apply(t, socketPolicy("patient", policy+"10m"))
	expectPolicy(t, "patient", "Accepted", "and through the replacement of a pod for 10m")
	pod, before := nginxPod(t).Name, reloads(t)
	s := openSocket(t)
	apply(t, socketPolicy("patient", policy+"50m"))
	expectPolicy(t, "patient", "Accepted", "and through the replacement of a pod for 50m")
	s.expectAlive(t)
	if after := reloads(t); after != before {
		t.Errorf("nginx was reloaded %d times", after-before)
	}
	if now := nginxPod(t).Name; now != pod {
		t.Errorf("pod %s was replaced by %s", pod, now)
	}
}

func TestBadWebSocketPoliciesAreRefused(t *testing.T) {
	explainFailure(t)
	for spec, reasons := range map[string][]string{
		`idleTimeout: "-1s"`:                      {"spec.idleTimeout", "-1s"},
		`drainTimeout: soon`:                      {"spec.drainTimeout", "soon"},
		`maxConnections: 0`:                       {"spec.maxConnections", "greater than or equal to 1"},
		`allowedOrigins: ["javascript:"]`:         {"spec.allowedOrigins[0]", "write https://ha.example.net"},
		`allowedOrigins: ["https://*.*.com"]`:     {"spec.allowedOrigins[0]", "write https://ha.example.net"},
		`allowedOrigins: ["https://a.net:70000"]`: {"spec.allowedOrigins[0]", `"70000" is no port`},
		`allowedOrigins: []`:                      {"spec.allowedOrigins", "at least 1"},
	} {
		t.Run(spec, func(t *testing.T) {
			said, err := lab.Apply(t.Context(), socketPolicy("bad", spec))
			if err == nil {
				t.Cleanup(func() { _ = lab.Delete(context.Background(), socketPolicy("bad", spec)) })
				t.Fatalf("it was admitted: %s", said)
			}
			t.Log(said)
			for _, reason := range reasons {
				if !strings.Contains(said, reason) {
					t.Error(errors.New("the refusal does not say " + reason))
				}
			}
		})
	}
}
