package judgement

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// lostListenerSets says which ListenerSets of others, or which of their
// listeners, were accepted before the change and are not any more. A
// ListenerSet's owner hears nothing of other namespaces.
func (c Change) lostListenerSets(before, after graph.Graph) []string {
	sets := map[types.NamespacedName]*graph.ListenerSet{}
	for _, set := range after.ListenerSets {
		sets[set.Key()] = set
	}
	var losses []string
	for _, set := range before.ListenerSets {
		now := sets[set.Key()]
		switch {
		case !set.Accepted.True, c.isSubject("ListenerSet", set.Key()),
			c.Kind == "ListenerSet" && set.Source.Namespace != c.Old.GetNamespace():
		case now == nil:
			losses = append(losses, fmt.Sprintf("ListenerSet %s is no longer served", set.Key()))
		case !now.Accepted.True:
			losses = append(losses, because(fmt.Sprintf("ListenerSet %s is no longer served", set.Key()), now.Accepted.Message))
		default:
			losses = append(losses, refused(set, now)...)
		}
	}
	return losses
}

// refused tells of the set's listeners that were accepted and no longer are.
func refused(before, after *graph.ListenerSet) []string {
	then := map[gatewayv1.SectionName]bool{}
	for _, l := range before.Listeners {
		then[l.Source.Name] = l.Accepted.True
	}
	var losses []string
	for _, l := range after.Listeners {
		if then[l.Source.Name] && !l.Accepted.True {
			losses = append(losses, because(l.Called()+" no longer serves", l.Accepted.Message))
		}
	}
	return losses
}
