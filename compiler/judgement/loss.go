package judgement

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// losses says which routes a changed Gateway or ListenerSet no longer accepts,
// and which listeners of others the change puts out of service.
func (c Change) losses(before, after graph.Graph) []string {
	switch old := c.Old.(type) {
	case *gatewayv1.Gateway:
		key := snapshot.KeyOf(old)
		return append(c.lostRoutes(before, after, func(p graph.Parent) bool { return p.Gateway.Key() == key }),
			lostListeners(before, after, func(s *graph.ListenerSet) bool { return s.Gateway.Key() == key })...)
	case *gatewayv1.ListenerSet:
		key := snapshot.KeyOf(old)
		// Of other namespaces' ListenerSets nothing is told to who may not read them.
		return append(c.lostRoutes(before, after, func(p graph.Parent) bool { return p.ListenerSet != nil && p.ListenerSet.Key() == key }),
			lostListeners(before, after, func(s *graph.ListenerSet) bool {
				return s.Source.Namespace == old.Namespace && s.Key() != key
			})...)
	}
	return nil
}

func (c Change) lostRoutes(before, after graph.Graph, concerned func(graph.Parent) bool) []string {
	then, now := verdicts(before, concerned), verdicts(after, concerned)
	var losses []string
	for _, route := range before.Routes {
		for _, parent := range route.Parents {
			at := attachmentOf(route, parent)
			if !then[at].True || now[at].True {
				continue
			}
			loss := fmt.Sprintf("%s is no longer served by this %s", route.Source.RouteKey(), c.Kind)
			if why := now[at].Message; why != "" {
				loss += ": " + why
			}
			losses = append(losses, loss)
		}
	}
	return losses
}

// attachment identifies one parentRef of one route.
type attachment struct {
	route   snapshot.RouteKey
	set     types.NamespacedName
	section gatewayv1.SectionName
	port    gatewayv1.PortNumber
}

func attachmentOf(route *graph.Route, parent graph.Parent) attachment {
	at := attachment{route: route.Source.RouteKey()}
	if parent.ListenerSet != nil {
		at.set = parent.ListenerSet.Key()
	}
	if parent.Ref.SectionName != nil {
		at.section = *parent.Ref.SectionName
	}
	if parent.Ref.Port != nil {
		at.port = *parent.Ref.Port
	}
	return at
}

// verdicts returns what each attachment that is concerned was told.
func verdicts(g graph.Graph, concerned func(graph.Parent) bool) map[attachment]graph.Verdict {
	told := map[attachment]graph.Verdict{}
	for _, route := range g.Routes {
		for _, parent := range route.Parents {
			if concerned(parent) {
				told[attachmentOf(route, parent)] = parent.Accepted
			}
		}
	}
	return told
}

// lostListeners says which ListenerSets, or which of their listeners, were
// accepted before the change and are not any more.
func lostListeners(before, after graph.Graph, concerned func(*graph.ListenerSet) bool) []string {
	sets := map[types.NamespacedName]*graph.ListenerSet{}
	for _, set := range after.ListenerSets {
		sets[set.Key()] = set
	}
	var losses []string
	for _, set := range before.ListenerSets {
		now := sets[set.Key()]
		switch {
		case !set.Accepted.True || !concerned(set):
		case now == nil:
			losses = append(losses, fmt.Sprintf("ListenerSet %s is no longer served", set.Key()))
		case !now.Accepted.True:
			losses = append(losses, fmt.Sprintf("ListenerSet %s is no longer served: %s", set.Key(), now.Accepted.Message))
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
			losses = append(losses, fmt.Sprintf("%s no longer serves: %s", l.Called(), l.Accepted.Message))
		}
	}
	return losses
}
