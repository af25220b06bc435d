package operator

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

// ownedBy is the metadata of what belongs to the Gateway home of that UID.
func ownedBy(uid types.UID, name string) metav1.ObjectMeta {
	yes := true
	return metav1.ObjectMeta{
		Namespace: "infra", Name: name, Labels: map[string]string{infra.LabelManagedBy: infra.ManagedBy},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway", Name: "home", UID: uid, Controller: &yes,
		}},
	}
}

func service(ports ...int32) *corev1.Service {
	s := &corev1.Service{ObjectMeta: ownedBy("1", "gatewright-home")}
	s.Spec.Type = corev1.ServiceTypeLoadBalancer
	for _, p := range ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: fmt.Sprintf("port-%d", p), Protocol: corev1.ProtocolTCP, Port: p})
	}
	return s
}

var serviceKey = client.ObjectKey{Namespace: "infra", Name: "gatewright-home"}

func TestAnObjectIsWrittenOnlyWhenItDiffers(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	a := newApplier(f.cluster)
	live := &corev1.Service{}
	steps := []struct {
		name   string
		wanted *corev1.Service
		change func()
		writes int
	}{
		{name: "it is not there", wanted: service(80), writes: 1},
		{name: "nothing has changed", wanted: service(80)},
		{name: "another port is wanted", wanted: service(80, 443), writes: 1},
		{name: "a port is no longer wanted", wanted: service(443), writes: 1},
		{name: "others add what is theirs", wanted: service(443), change: func() {
			live.Annotations = map[string]string{"metallb.io/ip-allocated-from-pool": "lan"}
			live.Spec.ClusterIP = "10.96.0.7"
		}},
		{name: "someone changes what is ours", wanted: service(443), change: func() { live.Spec.Type = corev1.ServiceTypeClusterIP }, writes: 1},
	}
	for _, step := range steps {
		if step.change != nil {
			f.get(t, serviceKey, live)
			step.change()
			if err := f.client.Update(t.Context(), live); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.apply(t.Context(), step.wanted); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if writes := f.written(); len(writes) != step.writes {
			t.Errorf("%s: writes %v, want %d", step.name, writes, step.writes)
		}
		f.get(t, serviceKey, live)
		if live.Spec.Type != corev1.ServiceTypeLoadBalancer {
			t.Errorf("%s: type %s", step.name, live.Spec.Type)
		}
	}
}

func TestAnObjectThatSomeoneDeletesIsMadeAgain(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	a := newApplier(f.cluster)
	for range 2 {
		if err := a.apply(t.Context(), service(80)); err != nil {
			t.Fatal(err)
		}
		live := &corev1.Service{}
		f.get(t, serviceKey, live)
		if err := f.client.Delete(t.Context(), live); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatOthersAddStays(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	a := newApplier(f.cluster)
	if err := a.apply(t.Context(), service(80)); err != nil {
		t.Fatal(err)
	}
	live := &corev1.Service{}
	f.get(t, serviceKey, live)
	live.Annotations = map[string]string{"metallb.io/ip-allocated-from-pool": "lan"}
	if err := f.client.Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	if err := a.apply(t.Context(), service(80, 443)); err != nil {
		t.Fatal(err)
	}
	after := &corev1.Service{}
	f.get(t, serviceKey, after)
	if diff := cmp.Diff(live.Annotations, after.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if len(after.Spec.Ports) != 2 {
		t.Errorf("ports %v, want two", after.Spec.Ports)
	}
}

func TestAnObjectOfSomeoneElseIsNotTaken(t *testing.T) {
	t.Parallel()
	tests := map[string]metav1.ObjectMeta{
		"a user's own":                          {Namespace: "infra", Name: "gatewright-home"},
		"that of a Gateway which is on its way": ownedBy("0", "gatewright-home"),
	}
	for name, meta := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeCluster(t, &corev1.Service{ObjectMeta: meta})
			if err := newApplier(f.cluster).apply(t.Context(), service(80)); !errors.Is(err, errForeign) {
				t.Errorf("got %v, want %v", err, errForeign)
			}
			if writes := f.written(); len(writes) > 0 {
				t.Errorf("writes: %v", writes)
			}
		})
	}
}

func TestPruning(t *testing.T) {
	t.Parallel()
	gateway := func(uid types.UID) *gatewayv1.Gateway {
		return &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "home", UID: uid}}
	}
	accepted := compiler.Result{
		Gateways: []compiler.Gateway{{Key: homeKey, Objects: []infra.Object{service(80)}}},
		Statuses: status.Statuses{Gateways: []status.Gateway{{Key: homeKey}}},
	}
	unaccepted := compiler.Result{Statuses: accepted.Statuses}
	tests := map[string]struct {
		gateways []*gatewayv1.Gateway
		result   compiler.Result
		gone     []string
	}{
		"what is wanted stays, what is not goes":                {[]*gatewayv1.Gateway{gateway("1")}, accepted, []string{"delete gatewright-home"}},
		"a Gateway that is not accepted keeps its data plane":   {[]*gatewayv1.Gateway{gateway("1")}, unaccepted, nil},
		"a Gateway of another class loses it":                   {[]*gatewayv1.Gateway{gateway("1")}, compiler.Result{}, []string{"delete gatewright-home", "delete gatewright-home"}},
		"what a deleted Gateway had is the garbage collector's": {nil, compiler.Result{}, nil},
		"and what one of the same name had before":              {[]*gatewayv1.Gateway{gateway("2")}, compiler.Result{}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeCluster(t,
				service(80), &appsv1.Deployment{ObjectMeta: ownedBy("1", "gatewright-home")},
				&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "a-users-own"}},
				&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: authoritySecret, Labels: map[string]string{infra.LabelManagedBy: infra.ManagedBy}}},
			)
			p := &pruner{cluster: f.cluster, applier: newApplier(f.cluster)}
			if err := p.prune(t.Context(), snapshot.Snapshot{Gateways: snapshot.SetOf(test.gateways...)}, test.result); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.gone, f.written()); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
		})
	}
}
