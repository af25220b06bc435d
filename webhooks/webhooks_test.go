package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

var testScheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(gatewayv1.Install(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	utilruntime.Must(cmv1.AddToScheme(s))
	return s
}()

// theCluster is what each test finds: our class and another's, a Gateway of
// each, and a Service.
const theCluster = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatewright}
spec: {controllerName: gatewright.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: other}
spec: {controllerName: example.org/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: home, namespace: infra}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: web, port: 80, protocol: HTTP, hostname: "*.example.net", allowedRoutes: {namespaces: {from: All}}}
  - {name: lan, port: 8080, protocol: HTTP, hostname: "*.example.org", allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, namespace: infra}
spec:
  gatewayClassName: other
  listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: v1
kind: Namespace
metadata: {name: infra}
---
apiVersion: v1
kind: Namespace
metadata: {name: blog}
---
apiVersion: v1
kind: Service
metadata: {name: whoami, namespace: blog}
spec: {ports: [{port: 80}]}
`

// cluster returns the snapshot of the objects in YAML documents.
func cluster(t *testing.T, documents ...string) snapshot.Snapshot {
	t.Helper()
	s := snapshot.Snapshot{SecretsUnknown: true}
	for _, document := range strings.Split(strings.Join(documents, "\n---\n"), "\n---\n") {
		if strings.TrimSpace(document) != "" {
			s = s.With(decode(t, document))
		}
	}
	return s
}

// decode returns the object in a YAML document.
func decode(t *testing.T, document string) metav1.Object {
	t.Helper()
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
		t.Fatalf("reading %s: %v", document, err)
	}
	o, err := testScheme.New(meta.GroupVersionKind())
	if err != nil {
		t.Fatalf("reading %s: %v", document, err)
	}
	if err := yaml.UnmarshalStrict([]byte(document), o); err != nil {
		t.Fatalf("reading %s: %v", document, err)
	}
	return o.(metav1.Object)
}

// review asks the webhook at the path as the API server does: with the old
// object (at an update or deletion), the new one (at a creation or update).
func review(t *testing.T, s snapshot.Snapshot, path, old, updated string) *admissionv1.AdmissionResponse {
	t.Helper()
	request := &admissionv1.AdmissionRequest{UID: "1", Object: raw(t, updated), OldObject: raw(t, old)}
	switch {
	case old == "":
		request.Operation = admissionv1.Create
	case updated == "":
		request.Operation = admissionv1.Delete
	default:
		request.Operation = admissionv1.Update
	}
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request:  request,
	})
	if err != nil {
		t.Fatal(err)
	}
	httpRequest := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	httpRequest.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	all := Handlers(testScheme, func(context.Context) (snapshot.Snapshot, error) { return s, nil })
	all[path].ServeHTTP(recorder, httpRequest)

	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.Response == nil {
		t.Fatalf("HTTP %d %s: %v", recorder.Code, recorder.Body, err)
	}
	return answer.Response
}

func raw(t *testing.T, document string) runtime.RawExtension {
	t.Helper()
	if document == "" {
		return runtime.RawExtension{}
	}
	encoded, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return runtime.RawExtension{Raw: encoded}
}

// judged is a change and what is to be said about it.
type judged struct {
	// old is empty at a creation, new at a deletion.
	old, new string
	// refusal is what the user reads; empty if the change is let in.
	refusal  string
	warnings []string
}

func (j judged) check(t *testing.T, s snapshot.Snapshot, path string) {
	t.Helper()
	response := review(t, s, path, j.old, j.new)
	refusal := ""
	if !response.Allowed {
		refusal = response.Result.Message
	}
	if diff := cmp.Diff(j.refusal, refusal); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(j.warnings, response.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
