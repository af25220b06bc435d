package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
	"github.com/gatewright/gatewright/webhooks"
)

func init() { log.SetLogger(logr.Discard()) }

// sizes are numbers of routes, each with a Service and a hostname of its own.
var sizes = []int{10, 1000, 5000}

const (
	routePath   = "/validate-gateway-networking-k8s-io-v1-httproute"
	gatewayPath = "/validate-gateway-networking-k8s-io-v1-gateway"
)

func BenchmarkCreationOfAnHTTPRoute(b *testing.B) {
	measure(b, func(int) (string, admissionv1.AdmissionReview) {
		return routePath, review(admissionv1.Create, nil, route("new"))
	})
}

func BenchmarkCompletionOfAnHTTPRoute(b *testing.B) {
	created := route("new")
	created.Spec.Rules[0].Filters = []gatewayv1.HTTPRouteFilter{{
		Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier,
		RequestHeaderModifier: &gatewayv1.HTTPHeaderFilter{
			Set: []gatewayv1.HTTPHeader{{Name: "Upgrade", Value: "websocket"}},
		},
	}}
	measure(b, func(int) (string, admissionv1.AdmissionReview) {
		return "/mutate-gateway-networking-k8s-io-v1-httproute", review(admissionv1.Create, nil, created)
	})
}

func BenchmarkUpdateOfAnHTTPRoute(b *testing.B) {
	measure(b, func(n int) (string, admissionv1.AdmissionReview) {
		old := route(fmt.Sprintf("app-%d", n/2))
		updated := old.DeepCopy()
		updated.Spec.Hostnames = append(updated.Spec.Hostnames, "further.example.net")
		return routePath, review(admissionv1.Update, old, updated)
	})
}

func BenchmarkAdditionOfAListener(b *testing.B) {
	measure(b, func(int) (string, admissionv1.AdmissionReview) {
		updated := gateway()
		updated.Spec.Listeners = append(updated.Spec.Listeners, gatewayv1.Listener{
			Name: "further", Port: 8080, Protocol: gatewayv1.HTTPProtocolType, Hostname: new(gatewayv1.Hostname("*.example.org")),
		})
		return gatewayPath, review(admissionv1.Update, gateway(), updated)
	})
}

// All routes are lost, and all are told.
func BenchmarkRemovalOfTheListenerOfAllRoutes(b *testing.B) {
	measure(b, func(int) (string, admissionv1.AdmissionReview) {
		updated := gateway()
		updated.Spec.Listeners[0].Hostname = new(gatewayv1.Hostname("*.example.org"))
		return gatewayPath, review(admissionv1.Update, gateway(), updated)
	})
}

func BenchmarkDeletionOfAService(b *testing.B) {
	measure(b, func(n int) (string, admissionv1.AdmissionReview) {
		return "/validate--v1-service", review(admissionv1.Delete, service(fmt.Sprintf("app-%d", n/2)), nil)
	})
}

// measure sends the review again and again, and reports beside the mean what one
// of a hundred waits for.
func measure(b *testing.B, ask func(routes int) (string, admissionv1.AdmissionReview)) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("routes=%d", n), func(b *testing.B) {
			objects := cluster(n)
			server := httptest.NewServer(mux(objects))
			b.Cleanup(server.Close)
			path, asked := ask(n)
			body, err := json.Marshal(asked)
			if err != nil {
				b.Fatal(err)
			}
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				answer(b, server.URL+path, body)
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			for _, q := range []int{50, 99} {
				b.ReportMetric(float64(took[(len(took)-1)*q/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", q))
			}
		})
	}
}

// mux answers as the webhook does. The sets are made anew for each review, as
// they are of what the cache holds.
func mux(objects []metav1.Object) http.Handler {
	mux := http.NewServeMux()
	for path, handler := range webhooks.Handlers(observer.Scheme(), func(context.Context) (snapshot.Snapshot, error) {
		return snapshotOf(objects), nil
	}) {
		mux.Handle(path, handler)
	}
	return mux
}

func answer(b *testing.B, url string, body []byte) {
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	var answered admissionv1.AdmissionReview
	if err != nil || json.Unmarshal(content, &answered) != nil || answered.Response == nil || !answered.Response.Allowed {
		b.Fatalf("answered %s: %s (%v)", response.Status, content, err)
	}
}

func cluster(routes int) []metav1.Object {
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "gatewright"}}
	class.Spec.ControllerName = v1alpha1.ControllerName
	objects := []metav1.Object{
		class, gateway(), service("new"),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "infra"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "web"}},
	}
	for i := range routes {
		name := fmt.Sprintf("app-%d", i)
		objects = append(objects, route(name), service(name))
	}
	return objects
}

func snapshotOf(objects []metav1.Object) snapshot.Snapshot {
	s := snapshot.Snapshot{SecretsUnknown: true, NoCertManager: true}
	var routes []*gatewayv1.HTTPRoute
	var services []*corev1.Service
	for _, o := range objects {
		switch o := o.(type) {
		case *gatewayv1.HTTPRoute:
			routes = append(routes, o)
		case *corev1.Service:
			services = append(services, o)
		default:
			s = s.With(o)
		}
	}
	s.HTTPRoutes, s.Services = snapshot.SetOf(routes...), snapshot.SetOf(services...)
	return s
}

func gateway() *gatewayv1.Gateway {
	g := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "home", Generation: 1}}
	g.Spec.GatewayClassName = "gatewright"
	g.Spec.Listeners = []gatewayv1.Listener{{
		Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType,
		AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromAll)}},
	}}
	return g
}

func route(name string) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: name, Generation: 1}}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Namespace: new(gatewayv1.Namespace("infra")), Name: "home"}}
	r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(name + ".example.net")}
	for _, path := range []string{"/", "/api"} {
		r.Spec.Rules = append(r.Spec.Rules, gatewayv1.HTTPRouteRule{
			Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: new(gatewayv1.PathMatchPathPrefix), Value: &path}}},
			BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
				BackendObjectReference: gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(name), Port: new(gatewayv1.PortNumber(80))},
			}}},
		})
	}
	return r
}

func service(name string) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: name}}
	s.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	return s
}

// review is what the API server sends.
func review(operation admissionv1.Operation, old, updated metav1.Object) admissionv1.AdmissionReview {
	request := &admissionv1.AdmissionRequest{UID: "1", Operation: operation, Resource: metav1.GroupVersionResource{Version: "v1"}}
	for object, into := range map[metav1.Object]*runtime.RawExtension{old: &request.OldObject, updated: &request.Object} {
		if object == nil {
			continue
		}
		gvk := kindOf(object)
		request.Kind = metav1.GroupVersionKind(gvk)
		request.Namespace, request.Name = object.GetNamespace(), object.GetName()
		typed, _ := object.(runtime.Object)
		typed.GetObjectKind().SetGroupVersionKind(gvk)
		into.Raw, _ = json.Marshal(object)
	}
	return admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"}, Request: request,
	}
}

func kindOf(object metav1.Object) schema.GroupVersionKind {
	typed, _ := object.(runtime.Object)
	kinds, _, err := observer.Scheme().ObjectKinds(typed)
	if err != nil {
		panic(err)
	}
	return kinds[0]
}
