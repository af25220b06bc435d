package operator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/observer"
)

func TestWhatIsWorthACompilation(t *testing.T) {
	t.Parallel()
	ours := parent(v1alpha1.ControllerName, "home", accepted(morning))
	edited := func(generation int64, parents ...gatewayv1.RouteParentStatus) *gatewayv1.HTTPRoute {
		r := route(parents...)
		r.Generation = generation
		return r
	}
	annotated := edited(1)
	annotated.Annotations = map[string]string{v1alpha1.AnnotationWebSocket: "0"}
	assigned := service(80)
	assigned.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.168.1.9"}}
	conditioned := service(80)
	conditioned.Status.Conditions = []metav1.Condition{accepted(morning)}
	slice := func(address string, annotations map[string]string) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Annotations: annotations},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{address}}},
		}
	}
	pod := func(state corev1.ConditionStatus, seen time.Time) *corev1.Pod {
		p := &corev1.Pod{}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: state, LastProbeTime: metav1.NewTime(seen)}}
		return p
	}
	tests := map[string]struct{ worth, want bool }{
		"a route's spec":                                {routeChanged(edited(1), edited(2)), true},
		"a route's annotation":                          {routeChanged(edited(1), annotated), true},
		"our own word in a route's status":              {routeChanged(edited(1), edited(1, ours)), false},
		"another's word in a route's status":            {routeChanged(edited(1, ours), edited(1, ours, parent(theirs, "edge"))), false},
		"a status written without our word":             {routeChanged(edited(1, ours), edited(1, parent(theirs, "edge"))), true},
		"a Service's port":                              {serviceChanged(service(80), service(81)), true},
		"a Service's address":                           {serviceChanged(service(80), assigned), true},
		"a Service's conditions":                        {serviceChanged(service(80), conditioned), false},
		"an endpoint":                                   {sliceChanged(slice("10.0.0.1", nil), slice("10.0.0.2", nil)), true},
		"the time at which endpoints were last changed": {sliceChanged(slice("10.0.0.1", nil), slice("10.0.0.1", map[string]string{corev1.EndpointsLastChangeTriggerTime: "now"})), false},
		"a pod that becomes ready":                      {podChanged(pod(corev1.ConditionFalse, morning), pod(corev1.ConditionTrue, morning)), true},
		"a pod that is probed":                          {podChanged(pod(corev1.ConditionTrue, morning), pod(corev1.ConditionTrue, noon)), false},
	}
	for name, test := range tests {
		if test.worth != test.want {
			t.Errorf("%s: worth a compilation: %v, want %v", name, test.worth, test.want)
		}
	}
}

func TestAllThatIsInASnapshotIsWatched(t *testing.T) {
	t.Parallel()
	watched := fmt.Sprint((&watches{}).sources())
	for _, kind := range append(observer.Kinds(), &discoveryv1.EndpointSlice{}, observer.SecretMetadata(), observer.ConfigMapMetadata()) {
		if name := fmt.Sprintf("%T", kind); !strings.Contains(watched, name) {
			t.Errorf("%s is read into snapshots, and not watched: %s", name, watched)
		}
	}
}

func TestTheNewestWarningOfAServiceIsItsGatewaysWord(t *testing.T) {
	t.Parallel()
	event := func(name, service, message string, at time.Time) *corev1.Event {
		return &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: "infra", Name: name},
			InvolvedObject: corev1.ObjectReference{Kind: "Service", Namespace: "infra", Name: service},
			Reason:         "AllocationFailed", Message: message, LastTimestamp: metav1.NewTime(at),
		}
	}
	f := newFakeCluster(t,
		event("new", "gatewright-home", "pool is empty", noon),
		event("old", "gatewright-home", "no pool", morning),
		event("other", "web", "not ours", noon.Add(time.Hour)),
	)
	got, err := serviceEvents(t.Context(), f.cached, map[client.ObjectKey]bool{homeKey: true, webKey: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[homeKey] != "AllocationFailed: pool is empty" {
		t.Errorf("got %v", got)
	}
}

func TestBundlesThatTheOperatorStoresMakeNoWork(t *testing.T) {
	t.Parallel()
	managed := map[string]string{infra.LabelManagedBy: infra.ManagedBy}
	for name, c := range map[string]struct {
		secret string
		labels map[string]string
		want   bool
	}{
		"a stored bundle":                  {secret: infra.BundleSecretName(homeKey), labels: managed},
		"a stored bundle made another's":   {secret: infra.BundleSecretName(homeKey), want: true},
		"the identity of a Gateway":        {secret: infra.IdentitySecretName(homeKey), labels: managed, want: true},
		"a certificate with such an end":   {secret: "my-bundle", labels: managed, want: true},
		"a certificate of somebody else's": {secret: "jarrett-net-tls", want: true},
	} {
		after := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: c.secret, Labels: c.labels}}
		if got := secretChanged(&metav1.PartialObjectMetadata{}, after); got != c.want {
			t.Errorf("%s: work is made: %t, want %t", name, got, c.want)
		}
	}
}
