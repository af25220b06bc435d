package operator

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

func TestTheOperatorFindsWhatTheCompilerWantsOwned(t *testing.T) {
	t.Parallel()
	f := homelab(t)
	r := newRig(t, f, 1)
	s, err := r.observer.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	objects := ownedObjects(r, s)
	if len(objects) == 0 {
		t.Fatal("nothing is to be owned")
	}
	for _, o := range objects {
		if !selectManaged.Matches(labels.Set(o.GetLabels())) {
			t.Errorf("%T %s has labels %v, by which the cache does not find it", o, o.GetName(), o.GetLabels())
		}
		if !strings.HasPrefix(o.GetName(), infra.NamePrefix) {
			t.Errorf("%T %s does not begin with %q", o, o.GetName(), infra.NamePrefix)
		}
	}
	if !selectPods.Matches(labels.Set(infra.PodLabels(homeKey))) {
		t.Errorf("pods have labels %v, by which the cache does not find them", infra.PodLabels(homeKey))
	}
}

func ownedObjects(r *rig, s snapshot.Snapshot) []infra.Object {
	var all []infra.Object
	for _, g := range r.compile(s).Gateways {
		all = append(all, g.Objects...)
	}
	return all
}
