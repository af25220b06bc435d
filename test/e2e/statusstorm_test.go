package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/homelab"
)

// stormRounds have ten changes each.
const stormRounds = 20

// stormed are objects of one Gateway of another class, and of all kinds that the
// operator watches. turn changes them, differently for each n.
func stormed() (objects []client.Object, turn func(o client.Object, n int)) {
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "storm", Name: name} }
	group, kind := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Kind("Gateway")
	parent := gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Group: &group, Kind: &kind, Name: "theirs"}}}
	backend := gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Name: "theirs", Port: new(gatewayv1.PortNumber(80))}}
	hostname := func(n int) gatewayv1.Hostname { return gatewayv1.Hostname(fmt.Sprintf("storm-%d.test", n)) }
	objects = []client.Object{
		&gatewayv1.Gateway{ObjectMeta: meta("theirs")}, &gatewayv1.ListenerSet{ObjectMeta: meta("theirs")},
		&gatewayv1.HTTPRoute{ObjectMeta: meta("theirs")}, &gatewayv1.GRPCRoute{ObjectMeta: meta("theirs")},
		&gatewayv1.BackendTLSPolicy{ObjectMeta: meta("theirs")}, &gatewayv1.ReferenceGrant{ObjectMeta: meta("theirs")},
		&corev1.Service{ObjectMeta: meta("theirs")}, &discoveryv1.EndpointSlice{ObjectMeta: meta("theirs")},
		&corev1.Secret{ObjectMeta: meta("theirs")}, &corev1.ConfigMap{ObjectMeta: meta("theirs")},
	}
	return objects, func(o client.Object, n int) {
		switch o := o.(type) {
		case *gatewayv1.Gateway:
			o.Spec = newGateway(theirs, otherClass).Spec
			o.Spec.Listeners[0].Hostname = new(hostname(n))
		case *gatewayv1.ListenerSet:
			o.Spec.ParentRef.Name = "theirs"
			o.Spec.Listeners = entryPool()
			o.Spec.Listeners[0].Hostname = new(hostname(n))
		case *gatewayv1.HTTPRoute:
			o.Spec.CommonRouteSpec, o.Spec.Hostnames = parent, []gatewayv1.Hostname{hostname(n)}
			o.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: backend}}}}
		case *gatewayv1.GRPCRoute:
			o.Spec.CommonRouteSpec, o.Spec.Hostnames = parent, []gatewayv1.Hostname{hostname(n)}
			o.Spec.Rules = []gatewayv1.GRPCRouteRule{{BackendRefs: []gatewayv1.GRPCBackendRef{{BackendRef: backend}}}}
		case *gatewayv1.BackendTLSPolicy:
			target := gatewayv1.LocalPolicyTargetReferenceWithSectionName{}
			target.Kind, target.Name = "Service", "theirs"
			o.Spec.TargetRefs = []gatewayv1.LocalPolicyTargetReferenceWithSectionName{target}
			o.Spec.Validation.Hostname = gatewayv1.PreciseHostname(hostname(n))
			o.Spec.Validation.WellKnownCACertificates = new(gatewayv1.WellKnownCACertificatesSystem)
		case *gatewayv1.ReferenceGrant:
			o.Spec.From = []gatewayv1.ReferenceGrantFrom{{Group: group, Kind: "HTTPRoute", Namespace: gatewayv1.Namespace(fmt.Sprintf("storm-%d", n))}}
			o.Spec.To = []gatewayv1.ReferenceGrantTo{{Kind: "Service"}}
		case *corev1.Service:
			o.Spec.Ports = []corev1.ServicePort{{Port: int32(8000 + n)}}
		case *discoveryv1.EndpointSlice:
			o.Labels = map[string]string{discoveryv1.LabelServiceName: "theirs", discoveryv1.LabelManagedBy: otherController[:7]}
			o.AddressType, o.Endpoints = discoveryv1.AddressTypeIPv4, []discoveryv1.Endpoint{{Addresses: []string{fmt.Sprintf("10.9.9.%d", n+1)}}}
		case *corev1.Secret:
			o.Data = map[string][]byte{"turn": fmt.Append(nil, n)}
		case *corev1.ConfigMap:
			o.Data = map[string]string{"turn": fmt.Sprint(n)}
		}
	}
}

// TestStatusesOfOtherClassesCostNothing changes objects of another class two
// hundred times, with what its controller would write into their statuses, and
// counts what the operator does about it: no compilation, no request.
func TestStatusesOfOtherClassesCostNothing(t *testing.T) {
	explainFailure(t)
	newNamespace(t, "storm")
	create(t, &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: otherClass}, Spec: gatewayv1.GatewayClassSpec{ControllerName: otherController}})
	sentinel := calmDown(t)
	asked, compiled, seconds := listen(t), compilations(t), operatorMetric(t, "process_cpu_seconds_total")

	objects, turn := stormed()
	changes := 0
	for n := range stormRounds {
		for _, o := range objects {
			// In every fifth round all is deleted, and made anew in the next.
			changes++
			if n%5 == 4 {
				if err := lab.Client.Delete(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				o.SetResourceVersion("")
				o.SetUID("")
				continue
			}
			if _, err := controllerutil.CreateOrUpdate(t.Context(), lab.Client, o, func() error { turn(o, n); return nil }); err != nil {
				t.Fatal(err)
			}
			speakFor(t, o, n)
		}
		if n == stormRounds-2 {
			// The last that are to be seen alive.
			for _, o := range objects {
				version := o.GetResourceVersion()
				fetch(t, o.GetNamespace(), o.GetName(), o)
				if err := untouched(o, version); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, r := range asked.requests(t) {
		if !r.isLate() {
			t.Errorf("the operator asks: %s", r)
		}
	}
	if n := compilations(t) - compiled; n != 0 {
		t.Errorf("%v compilations for %d changes of others", n, changes)
	}
	t.Logf("%d changes of others: %v compilations, %d requests, %.2f s of CPU",
		changes, compilations(t)-compiled, len(asked.requests(t)), operatorMetric(t, "process_cpu_seconds_total")-seconds)

	// A route of ours that is changed now is served, and compiled for.
	sentinel(t)
	for _, r := range asked.requests(t) {
		if r.ObjectRef.Namespace == "storm" {
			t.Errorf("the operator asks for what is another's: %s", r)
		}
	}
	if n := compilations(t) - compiled; n < 1 || n > 4 {
		t.Errorf("%v compilations, where a route of ours takes one, and few more as nginx tells of it", n)
	}
}

// speakFor writes the status that the other controller would.
func speakFor(t *testing.T, o client.Object, n int) {
	t.Helper()
	said := []metav1.Condition{{
		Type: "Accepted", Status: metav1.ConditionTrue, Reason: "Accepted", Message: fmt.Sprint(n),
		ObservedGeneration: o.GetGeneration(), LastTransitionTime: metav1.Now(),
	}}
	switch o := o.(type) {
	case *gatewayv1.Gateway:
		o.Status.Conditions = said
	case *gatewayv1.ListenerSet:
		o.Status.Conditions = said
	case *gatewayv1.HTTPRoute:
		o.Status.Parents = []gatewayv1.RouteParentStatus{{ParentRef: o.Spec.ParentRefs[0], ControllerName: otherController, Conditions: said}}
	default:
		return
	}
	if err := lab.Client.Status().Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// calmDown has a route of ours served, so that nothing of before is left to do,
// and returns how to change it and wait until it is served so.
func calmDown(t *testing.T) (change func(*testing.T)) {
	t.Helper()
	apply(t, route("sentinel", toWhoami))
	key, hosts := types.NamespacedName{Namespace: "whoami", Name: "sentinel"}, 0
	change = func(t *testing.T) {
		t.Helper()
		hosts++
		host := fmt.Sprintf("sentinel-%d.jarrett.net", hosts)
		var r gatewayv1.HTTPRoute
		r.Namespace, r.Name = key.Namespace, key.Name
		if _, err := edit(t.Context(), "hostnames", &r, func(r *gatewayv1.HTTPRoute) { r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(host)} }); err != nil {
			t.Fatal(err)
		}
		expect(t, laptop(t), "https://"+host+"/", http.StatusOK)
		eventually(t, func(ctx context.Context) error { return routeIsGood(ctx, key) })
	}
	change(t)
	// The namespace controller looks again after ever longer pauses.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := homelab.Eventually(ctx, ended); err != nil {
		t.Fatal(err)
	}
	calm, last := 0, compilations(t)
	eventually(t, func(context.Context) error {
		// What nginx tells of the route makes for the last compilation.
		if n := compilations(t); n != last {
			calm, last = 0, n
		}
		if calm++; calm < 20 {
			return fmt.Errorf("seen calm %d times after %v compilations", calm, last)
		}
		return nil
	})
	return change
}

// ended tells what is left of earlier tests: namespaces that come to their end,
// and pods of their Gateways.
func ended(ctx context.Context) error {
	var namespaces corev1.NamespaceList
	if err := lab.Client.List(ctx, &namespaces); err != nil {
		return err
	}
	for _, n := range namespaces.Items {
		if n.DeletionTimestamp != nil {
			return fmt.Errorf("namespace %s is still ending", n.Name)
		}
	}
	var pods corev1.PodList
	if err := lab.Client.List(ctx, &pods, client.MatchingLabels{"app.kubernetes.io/name": "gatewright-nginx"}); err != nil {
		return err
	}
	if len(pods.Items) != 1 {
		return fmt.Errorf("there are %d pods of nginx", len(pods.Items))
	}
	return nil
}

// isLate says that the request is for a change of before: the bundle of a Gateway
// is stored up to ten seconds after it, and client-go joins events into series.
func (r request) isLate() bool {
	return r.ObjectRef.Namespace != "storm" &&
		(r.ObjectRef.Resource == "events" || r.ObjectRef.Resource == "secrets" && r.ObjectRef.Namespace == homelab.Gateway.Namespace)
}

func compilations(t *testing.T) float64 {
	t.Helper()
	return operatorMetric(t, "gatewright_compile_seconds_count")
}

// operatorMetric reads a metric of the operator that has no labels.
func operatorMetric(t *testing.T, name string) (value float64) {
	t.Helper()
	var pods corev1.PodList
	if err := lab.Client.List(t.Context(), &pods, client.InNamespace(homelab.Namespace), client.MatchingLabels{"app.kubernetes.io/component": "operator"}); err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != 1 {
		t.Fatalf("there are %d operators", len(pods.Items))
	}
	inside := &http.Client{Transport: &http.Transport{DialContext: lab.Cluster.Network(cluster.Node).DialContext, DisableKeepAlives: true}}
	page, err := get(t.Context(), inside, "http://"+net.JoinHostPort(pods.Items[0].Status.PodIP, "8080")+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(page.body) {
		if of, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(of, &value); err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("there is no metric %s: %s", name, page.body)
	return 0
}
