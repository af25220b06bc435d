package corpus

import (
	"bytes"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/manifest"
)

// certificateAnnotation asks for a certificate in a Secret, for the hostnames
// that it lists.
const certificateAnnotation = "test.gatewright.dev/certificate"

// clientAnnotation asks for a client's certificate in a Secret, of the authority
// that it names.
const clientAnnotation = "test.gatewright.dev/client"

// authorityAnnotation asks for the certificate of an authority, of that name, as
// ca.crt in a ConfigMap or Secret.
const authorityAnnotation = "test.gatewright.dev/authority"

// firstCreation is when the first object of a case was created; each one after
// it is a minute younger.
var firstCreation = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// snapshotOf reads manifests into a snapshot.
func snapshotOf(manifests ...[]byte) (snapshot.Snapshot, error) {
	var s snapshot.Snapshot
	read := manifest.Decode("in.yaml", bytes.Join(manifests, []byte("\n---\n")), manifest.Options{ConfigMaps: true})
	if len(read.Unreadable)+len(read.PassedOver)+read.Others > 0 {
		return s, fmt.Errorf("a case holds what it cannot hold: %v %v and %d objects of other kinds",
			read.Unreadable, read.PassedOver, read.Others)
	}
	for i := range read.Objects {
		o := read.Objects[i].Object
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
	if c, ok := o.(*corev1.ConfigMap); ok && c.Annotations[authorityAnnotation] != "" {
		own, err := newAuthority(c.Annotations[authorityAnnotation])
		if err != nil {
			return err
		}
		if c.Data == nil {
			c.Data = map[string]string{}
		}
		c.Data["ca.crt"] += string(own.pem)
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
	if name := secret.Annotations[authorityAnnotation]; name != "" {
		own, err := newAuthority(name)
		if err != nil {
			return err
		}
		secret.Data["ca.crt"] = own.pem
	}
	if of := secret.Annotations[clientAnnotation]; of != "" {
		return issueForClient(secret, of)
	}
	if hostnames := secret.Annotations[certificateAnnotation]; hostnames != "" {
		return issue(secret, hostnames)
	}
	return nil
}
