package status_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

func TestWhenAListenerSetIsProgrammed(t *testing.T) {
	t.Parallel()
	served := map[string]int64{"infra/own@b": 2}
	// The Gateway has generation 3, its ListenerSet generation 2.
	tests := map[string]struct {
		plane snapshot.DataPlane
		// set and entry are the beginnings of the Programmed conditions.
		set, entry string
	}{
		"nginx serves both":             {snapshot.DataPlane{Ready: 1, Generation: 3, ListenerSets: served}, "True Programmed 2 ", "True Programmed 2 "},
		"only the Gateway is new":       {snapshot.DataPlane{Ready: 1, Generation: 2, ListenerSets: served}, "True Programmed 2 ", "True Programmed 2 "},
		"the set is new":                {snapshot.DataPlane{Ready: 1, Generation: 3, ListenerSets: map[string]int64{"infra/own@b": 1}}, "False Pending 2 ", "False Pending 2 "},
		"both are new":                  {snapshot.DataPlane{Ready: 1, Generation: 2}, "False Pending 2 ", "False Pending 2 "},
		"one of its name was deleted":   {snapshot.DataPlane{Ready: 1, Generation: 3, ListenerSets: map[string]int64{"infra/own@a": 2}}, "False Pending 2 ", "False Pending 2 "},
		"no pod serves":                 {snapshot.DataPlane{}, "False ParentNotProgrammed 2 ", "False Pending 2 "},
		"nginx refused the new Gateway": {snapshot.DataPlane{Ready: 1, Generation: 2, ListenerSets: served, Refused: &bundle.Refusal{}}, "False ParentNotProgrammed 2 ", "False Invalid 2 "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := &gatewayv1.ListenerSet{}
			set.Namespace, set.Name, set.UID, set.Generation = "infra", "own", "b", 2
			set.Spec.ParentRef.Name = "home"
			set.Spec.Listeners = []gatewayv1.ListenerEntry{{Name: "more", Port: 81, Protocol: gatewayv1.HTTPProtocolType}}
			s := addressed(cluster(t, listenHTTP+"allowedListeners: {namespaces: {from: Same}}\n"), "10.0.0.1").With(set)
			s.DataPlanes = map[types.NamespacedName]snapshot.DataPlane{home: test.plane}
			got := status.Build(graph.Build(s), s).ListenerSets[0].Status
			if c := condition(t, got.Conditions, "Programmed"); !strings.HasPrefix(c, test.set) {
				t.Errorf("ListenerSet: %s", c)
			}
			if c := condition(t, got.Listeners[0].Conditions, "Programmed"); !strings.HasPrefix(c, test.entry) {
				t.Errorf("its listener: %s", c)
			}
		})
	}
}
