package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/test/homelab"
)

// gatewayManifest is a Gateway for HTTP with a route for all hosts, in a
// namespace of its own; spec is more of its spec, as YAML in flow style.
func gatewayManifest(namespace, spec string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: %[1]s, name: edge}
spec:
  gatewayClassName: gatewright
  listeners: [{name: http, port: 80, protocol: HTTP}]
  %[2]s
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: %[1]s, name: edge}
spec:
  parentRefs: [{name: edge}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {hostname: %[1]s.example.org, statusCode: 302}}]}]
`, namespace, spec)
}

func TestEachGatewayHasItsOwnAddressAndObjects(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "edge")
	manifest := gatewayManifest("edge", "")
	apply(t, manifest)
	edge := types.NamespacedName{Namespace: "edge", Name: "edge"}
	own, err := lab.GatewayAddress(t.Context(), edge)
	if err != nil {
		t.Fatal(err)
	}
	if own == address {
		t.Fatalf("both Gateways have the address %s", own)
	}
	got := expect(t, laptopFor(t, own), "http://edge.home/", http.StatusFound)
	if location := got.header.Get("Location"); !strings.Contains(location, "edge.example.org") {
		t.Errorf("the second Gateway redirects to %s", location)
	}
	expect(t, laptop(t), "https://"+homelab.Whoami+"/", http.StatusOK)

	for _, kind := range ownedKinds() {
		if n, err := countOwned(t.Context(), edge, kind); err != nil || n == 0 {
			t.Errorf("the Gateway owns %d of %T in its namespace, %v", n, kind, err)
		}
	}
	if err := lab.Delete(t.Context(), manifest); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		for _, kind := range ownedKinds() {
			if n, err := countOwned(ctx, edge, kind); err != nil || n > 0 {
				return errors.Join(fmt.Errorf("%d of %T are left of the deleted Gateway", n, kind), err)
			}
		}
		return nil
	})
	expect(t, laptop(t), "https://"+homelab.Whoami+"/", http.StatusOK)
}

func ownedKinds() []client.ObjectList {
	return []client.ObjectList{&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &corev1.SecretList{}}
}

// countOwned counts what a Gateway owns of a kind.
func countOwned(ctx context.Context, gateway types.NamespacedName, kind client.ObjectList) (int, error) {
	err := lab.Client.List(ctx, kind, client.InNamespace(gateway.Namespace), client.MatchingLabels{v1alpha1.LabelGateway: gateway.Name})
	if err != nil {
		return 0, err
	}
	switch list := kind.(type) {
	case *appsv1.DeploymentList:
		return len(list.Items), nil
	case *corev1.ServiceList:
		return len(list.Items), nil
	case *corev1.ServiceAccountList:
		return len(list.Items), nil
	case *corev1.SecretList:
		return len(list.Items), nil
	}
	return 0, fmt.Errorf("%T is of no known kind", kind)
}

func TestStatusesOfOthersStay(t *testing.T) {
	explainFailure(t)
	apply(t, route("shared", toWhoami))
	key := types.NamespacedName{Namespace: "whoami", Name: "shared"}
	eventually(t, func(ctx context.Context) error { return routeIsGood(ctx, key) })

	// Written out in full, as the API server fills in what is left out.
	group, kind := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Kind("Gateway")
	foreign := gatewayv1.RouteParentStatus{
		ParentRef:      gatewayv1.ParentReference{Group: &group, Kind: &kind, Name: "somebody-elses"},
		ControllerName: "example.com/other",
		Conditions: []metav1.Condition{{
			Type: "Accepted", Status: metav1.ConditionFalse, Reason: "NotAllowed", Message: "Not here",
			LastTransitionTime: metav1.Now().Rfc3339Copy(),
		}},
	}
	eventually(t, func(ctx context.Context) error {
		var shared gatewayv1.HTTPRoute
		if err := lab.Client.Get(ctx, key, &shared); err != nil {
			return err
		}
		shared.Status.Parents = append([]gatewayv1.RouteParentStatus{foreign}, shared.Status.Parents...)
		if err := lab.Client.Status().Update(ctx, &shared); err != nil {
			return err
		}
		// With what the API server adds.
		foreign = shared.Status.Parents[0]
		return nil
	})
	kubectl(t, "patch", "--namespace=whoami", "httproute", "shared", "--type=json", "--patch",
		`[{"op": "add", "path": "/spec/hostnames/-", "value": "also-shared.jarrett.net"}]`)
	expect(t, laptop(t), "https://also-shared.jarrett.net/", http.StatusOK)
	eventually(t, func(ctx context.Context) error {
		var shared gatewayv1.HTTPRoute
		if err := lab.Client.Get(ctx, key, &shared); err != nil {
			return err
		}
		var theirs []gatewayv1.RouteParentStatus
		for _, parent := range shared.Status.Parents {
			if parent.ControllerName == foreign.ControllerName {
				theirs = append(theirs, parent)
				continue
			}
			if err := homelab.IsTrue(parent.Conditions, "Accepted", shared.Generation); err != nil {
				return err
			}
		}
		if diff := cmp.Diff([]gatewayv1.RouteParentStatus{foreign}, theirs); diff != "" {
			t.Fatalf("the entry of another controller changed (-before +after):\n%s", diff)
		}
		return nil
	})
}

func TestGatewaysOfOtherClassesAreLeftAlone(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "other")
	apply(t, `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: other}
spec: {controllerName: example.com/other}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: other, name: theirs}
spec:
  gatewayClassName: other
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
`+gatewayManifest("other", ""))
	// Ours, made later, is served: theirs has been seen and passed over.
	if _, err := lab.GatewayAddress(t.Context(), types.NamespacedName{Namespace: "other", Name: "edge"}); err != nil {
		t.Fatal(err)
	}
	var theirs gatewayv1.Gateway
	fetch(t, "other", "theirs", &theirs)
	for _, condition := range theirs.Status.Conditions {
		if condition.Status != metav1.ConditionUnknown {
			t.Errorf("somebody wrote the condition %s=%s, %s", condition.Type, condition.Status, condition.Message)
		}
	}
	var deployments appsv1.DeploymentList
	if err := lab.Client.List(t.Context(), &deployments, client.InNamespace("other")); err != nil {
		t.Fatal(err)
	}
	if len(deployments.Items) != 1 {
		t.Errorf("there are %d Deployments instead of the one of our Gateway", len(deployments.Items))
	}
}
