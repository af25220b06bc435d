package premise

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/manifest"
)

// Options say what there is beside the manifests.
type Options struct {
	// Classes are names of GatewayClasses that are ours though the manifests do
	// not have them.
	Classes []string
	// Complete says that there is nothing beside the manifests, so that what
	// they refer to and do not have is missing.
	Complete bool
	// Cluster is what the manifests are put over; it is complete with them. Nil
	// where no cluster is known.
	Cluster *snapshot.Snapshot
}

// Premise is what manifests are judged by.
type Premise struct {
	Snapshot snapshot.Snapshot
	// Objects of the manifests as they are in the snapshot, in their order.
	// Where two have one name, the later is in it.
	Objects []manifest.Object
	// Assumed are the objects that are taken to exist.
	Assumed []diagnostic.Object
}

// Of puts the manifests together. Secrets are taken to exist and to be good, as
// they are at admission.
func Of(m manifest.Manifests, o Options) Premise {
	var p Premise
	if o.Cluster != nil {
		p.Snapshot = *o.Cluster
	}
	p.Snapshot.SecretsUnknown = true
	cluster := p.Snapshot
	for i, given := range m.Objects {
		given.Object = completed(given.Object, cluster, i)
		p.Objects = append(p.Objects, given)
		p.Snapshot = p.Snapshot.With(given.Object)
	}
	if o.Cluster != nil {
		return p
	}
	if o.Complete {
		p.Snapshot = withNamespaces(p.Snapshot, p.Objects)
		return p
	}
	a := assumption{given: p.Snapshot, made: p.Snapshot}
	a.classes(o.Classes)
	for _, given := range p.Objects {
		a.referredTo(given.Object)
	}
	a.namespaces(p.Objects)
	p.Snapshot, p.Assumed = a.made, a.named
	return p
}

// epoch is when the first manifest counts as created where no cluster says
// otherwise.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// completed returns the object with a time of creation, which decides between
// routes: the one that it has in the cluster, or else as if the manifests were
// applied in their order, after all that is in the cluster.
func completed(o metav1.Object, cluster snapshot.Snapshot, index int) metav1.Object {
	created := o.GetCreationTimestamp()
	existing, ok := cluster.Existing(o)
	switch {
	case ok:
		created = existing.GetCreationTimestamp()
	case created.IsZero():
		created = metav1.NewTime(newest(cluster).Add(time.Duration(index+1) * time.Second))
	}
	object, ok := o.(runtime.Object)
	if !ok {
		return o
	}
	o, ok = object.DeepCopyObject().(metav1.Object)
	if ok {
		o.SetCreationTimestamp(created)
	}
	return o
}

// newest is when the newest of the objects was created whose age decides.
func newest(s snapshot.Snapshot) time.Time {
	last := epoch
	look := func(o metav1.Object) {
		if t := o.GetCreationTimestamp().Time; t.After(last) {
			last = t
		}
	}
	for _, o := range s.Routes() {
		look(o)
	}
	for _, o := range s.ListenerSets.All() {
		look(o)
	}
	for _, o := range s.WebSocketPolicies.All() {
		look(o)
	}
	for _, o := range s.BackendTLSPolicies.All() {
		look(o)
	}
	return last
}

// withNamespaces adds the namespaces that the objects are in.
func withNamespaces(s snapshot.Snapshot, objects []manifest.Object) snapshot.Snapshot {
	for _, o := range objects {
		name := o.GetNamespace()
		if _, ok := s.Namespaces.Get("", name); name != "" && !ok {
			s = s.With(namespace(name))
		}
	}
	return s
}

// namespace has the label that the API server gives to each.
func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{corev1.LabelMetadataName: name},
	}}
}
