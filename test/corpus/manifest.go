package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// certificateAnnotation asks for a certificate in a Secret, for the hostnames
// that it lists.
const certificateAnnotation = "test.gatewright.dev/certificate"

// firstCreation is when the first object of a case was created; each one after
// it is a minute younger.
var firstCreation = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// newObject makes an empty object of each kind that a snapshot holds.
var newObject = map[string]func() metav1.Object{
	"GatewayClass":    func() metav1.Object { return new(gatewayv1.GatewayClass) },
	"Gateway":         func() metav1.Object { return new(gatewayv1.Gateway) },
	"HTTPRoute":       func() metav1.Object { return new(gatewayv1.HTTPRoute) },
	"ReferenceGrant":  func() metav1.Object { return new(gatewayv1.ReferenceGrant) },
	"WebSocketPolicy": func() metav1.Object { return new(v1alpha1.WebSocketPolicy) },
	"GatewayConfig":   func() metav1.Object { return new(v1alpha1.GatewayConfig) },
	"Namespace":       func() metav1.Object { return new(corev1.Namespace) },
	"Service":         func() metav1.Object { return new(corev1.Service) },
	"EndpointSlice":   func() metav1.Object { return new(discoveryv1.EndpointSlice) },
	"Secret":          func() metav1.Object { return new(corev1.Secret) },
}

// snapshotOf reads manifests into a snapshot.
func snapshotOf(manifests ...[]byte) (snapshot.Snapshot, error) {
	var s snapshot.Snapshot
	objects, err := objectsOf(bytes.Join(manifests, []byte("\n---\n")))
	if err != nil {
		return s, err
	}
	for i, o := range objects {
		if err := complete(o, i); err != nil {
			return s, err
		}
		if ns := o.GetNamespace(); ns != "" {
			if _, ok := s.Namespaces.Get("", ns); !ok {
				s = s.With(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
					Name: ns, Labels: map[string]string{corev1.LabelMetadataName: ns},
				}})
			}
		}
		s = s.With(o)
	}
	return s, nil
}

func objectsOf(manifests []byte) ([]metav1.Object, error) {
	var objects []metav1.Object
	for documents := utilyaml.NewYAMLReader(newBufferedReader(manifests)); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("split manifests: %w", err)
		}
		var head metav1.TypeMeta
		if err := yaml.Unmarshal(document, &head); err != nil {
			return nil, fmt.Errorf("read manifest: %w\n%s", err, document)
		}
		if head.Kind == "" {
			continue
		}
		empty := newObject[head.Kind]
		if empty == nil {
			return nil, fmt.Errorf("a case cannot hold a %s", head.Kind)
		}
		o := empty()
		if err := yaml.UnmarshalStrict(document, o); err != nil {
			return nil, fmt.Errorf("read %s: %w\n%s", head.Kind, err, document)
		}
		objects = append(objects, o)
	}
}

// complete adds what an API server would have added.
func complete(o metav1.Object, index int) error {
	if o.GetGeneration() == 0 {
		o.SetGeneration(1)
	}
	if created := o.GetCreationTimestamp(); created.IsZero() {
		o.SetCreationTimestamp(metav1.NewTime(firstCreation.Add(time.Duration(index) * time.Minute)))
	}
	if o.GetUID() == "" {
		o.SetUID(types.UID(fmt.Sprintf("00000000-0000-0000-0000-%012d", index)))
	}
	secret, ok := o.(*corev1.Secret)
	if !ok {
		return nil
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, value := range secret.StringData {
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
	if hostnames := secret.Annotations[certificateAnnotation]; hostnames != "" {
		return issue(secret, hostnames)
	}
	return nil
}
