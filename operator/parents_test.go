package operator

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
)

func TestNoMoreEntriesAreWrittenThanTheAPITakes(t *testing.T) {
	t.Parallel()
	at := metav1.NewTime(noon)
	ancestors := func(controller string, n int) []gatewayv1.PolicyAncestorStatus {
		var all []gatewayv1.PolicyAncestorStatus
		for i := range n {
			all = append(all, ancestor(controller, fmt.Sprintf("%s-%02d", controller[:1], i), accepted(noon)))
		}
		return all
	}
	ours, others := ancestors(v1alpha1.ControllerName, 20), ancestors(theirs, 3)
	for name, test := range map[string]struct {
		live, wanted, after []gatewayv1.PolicyAncestorStatus
	}{
		"the first of ours":                      {nil, ours, ours[:16]},
		"the first of ours, where others are":    {others, ours, slices.Concat(others, ours[:13])},
		"those that are there stay":              {slices.Concat(ours[4:17], others), ours, slices.Concat(ours[4:17], others)},
		"none where others have taken all":       {ancestors(theirs, 16), ours, ancestors(theirs, 16)},
		"one that goes makes room for the next":  {ours[:16], ours[1:], ours[1:17]},
		"nothing is lost where there is room":    {others, ours[:2], slices.Concat(others, ours[:2])},
		"of what is no ancestor any more, none":  {slices.Concat(ours[:2], others), nil, others},
		"an empty list, and not null, of no one": {nil, nil, []gatewayv1.PolicyAncestorStatus{}},
	} {
		got := mergeAncestors(test.live, test.wanted, at)
		if diff := cmp.Diff(test.after, got); diff != "" {
			t.Errorf("%s: ancestors (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(got, mergeAncestors(got, test.wanted, at)); diff != "" {
			t.Errorf("%s: written again, they change (-first +second):\n%s", name, diff)
		}
	}
	var parents []gatewayv1.RouteParentStatus
	for i := range 32 {
		parents = append(parents, parent(v1alpha1.ControllerName, fmt.Sprintf("home-%02d", i), accepted(noon)))
	}
	foreign := parent(theirs, "edge", accepted(morning))
	got := mergeParents([]gatewayv1.RouteParentStatus{foreign}, parents, at)
	if diff := cmp.Diff(append([]gatewayv1.RouteParentStatus{foreign}, parents[:31]...), got); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
}
