package graph

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// ListenerSet is a ListenerSet whose parent is a Gateway of ours.
type ListenerSet struct {
	Source  *gatewayv1.ListenerSet
	Gateway *Gateway
	// Accepted has the reason NotAllowed where the Gateway does not let the set in.
	Accepted Verdict
	// Listeners are among the Gateway's; none where the set is not let in.
	Listeners []*Listener
	// allowed says that the Gateway lets the set in.
	allowed bool
}

// Key returns the ListenerSet's namespace and name.
func (s *ListenerSet) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: s.Source.Namespace, Name: s.Source.Name}
}

// Incarnation tells the ListenerSet from others, and from one of its name before
// or after it: each begins with generation 1. It is namespace/name, and the UID of
// what is stored.
func (s *ListenerSet) Incarnation() string {
	if s.Source.UID == "" {
		return s.Key().String()
	}
	return s.Key().String() + "@" + string(s.Source.UID)
}

// ListenerSetAccepted is how the message of Accepted=True begins. By it one knows
// a status of ours: ListenerSets do not say whose theirs is.
const ListenerSetAccepted = "The ListenerSet is accepted"

// maxListeners is how many listeners a Gateway serves, those of its ListenerSets
// among them. The API lets a Gateway have 64 of its own.
const maxListeners = 500

// SetParent returns the Gateway that the ListenerSet is for; false where its
// parent is something else.
func SetParent(set *gatewayv1.ListenerSet) (types.NamespacedName, bool) {
	ref := set.Spec.ParentRef
	return gatewayOf(gatewayv1.ParentReference{
		Group: ref.Group, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name,
	}, set.Namespace)
}

// indexListenerSets groups the ListenerSets by the Gateway that they are for,
// in the order in which they win: the oldest first, then by namespace and name.
func (b *builder) indexListenerSets() {
	b.setsOf = map[types.NamespacedName][]*gatewayv1.ListenerSet{}
	b.sets = map[types.NamespacedName]*ListenerSet{}
	for _, set := range b.s.ListenerSets.All() {
		key, ok := SetParent(set)
		if !ok {
			b.report(kindListenerSet, set, diagnostic.ListenerSetParent.At("spec.parentRef.kind",
				"a ListenerSet has a Gateway as its parent", ""))
			continue
		}
		if _, exists := b.s.Gateways.Get(key.Namespace, key.Name); !exists {
			b.report(kindListenerSet, set, b.gatewayNotFound("spec.parentRef", key))
			continue
		}
		b.setsOf[key] = append(b.setsOf[key], set)
	}
	for _, sets := range b.setsOf {
		slices.SortFunc(sets, func(x, y *gatewayv1.ListenerSet) int { return compareAge(x, y) })
	}
}

// readListenerSets finds the Gateway's ListenerSets, and lets in those that its
// spec.allowedListeners is for.
func (b *builder) readListenerSets(g *Gateway) {
	for _, source := range b.setsOf[g.Key()] {
		set := &ListenerSet{Source: source, Gateway: g}
		b.sets[set.Key()] = set
		g.ListenerSets = append(g.ListenerSets, set)
		b.g.ListenerSets = append(b.g.ListenerSets, set)
		set.allowed = letsIn(g.Source, source, b.s)
		if !set.allowed {
			objection := notLetIn(set)
			set.Accepted = no(objection.Reason, objection.String())
			b.report(kindListenerSet, source, objection)
			continue
		}
		owner := OwnerOfSet(source, g.Source)
		set.Listeners = b.readOwn(g, owner)
		b.report(kindListenerSet, source, shimFindings(owner)...)
		b.report(kindListenerSet, source, unknownOptions(owner)...)
	}
}

func notLetIn(set *ListenerSet) diagnostic.Diagnostic {
	fix := ""
	if set.Source.Namespace != set.Gateway.Source.Namespace {
		fix = "write allowedListeners: {namespaces: {from: All}} into the Gateway's spec, or from: Selector with a selector for the namespace"
	}
	return diagnostic.ListenerSetNotAllowed.At("spec.parentRef",
		fmt.Sprintf("Gateway %s lets no ListenerSets of namespace %q in", set.Gateway.Key(), set.Source.Namespace), fix)
}

// letsIn says whether the ListenerSet may be attached to the Gateway: none may
// unless it says so.
func letsIn(g *gatewayv1.Gateway, set *gatewayv1.ListenerSet, s snapshot.Snapshot) bool {
	allowed := g.Spec.AllowedListeners
	if allowed == nil || allowed.Namespaces == nil || allowed.Namespaces.From == nil {
		return false
	}
	rule := namespaceRule{from: *allowed.Namespaces.From, selector: allowed.Namespaces.Selector, same: g.Namespace}
	return rule.matches(set.Namespace, s)
}

// OwnersFor returns whose listeners the Gateway has: its own, then those of the
// ListenerSets that it lets in.
func OwnersFor(g *gatewayv1.Gateway, s snapshot.Snapshot) []ListenerOwner {
	owners := []ListenerOwner{OwnerOf(g)}
	for _, set := range s.ListenerSets.All() {
		if key, ok := SetParent(set); ok && key == snapshot.KeyOf(g) && letsIn(g, set, s) {
			owners = append(owners, OwnerOfSet(set, g))
		}
	}
	return owners
}

// acceptListenerSets sums up the listeners of each set: it needs one that works,
// or that only waits for its certificate.
func (b *builder) acceptListenerSets() {
	for _, set := range b.g.ListenerSets {
		if set.allowed {
			set.Accepted = set.accepted()
		}
	}
	slices.SortFunc(b.g.ListenerSets, func(x, y *ListenerSet) int { return strings.Compare(x.Key().String(), y.Key().String()) })
}

func (s *ListenerSet) accepted() Verdict {
	if !s.Gateway.Accepted.True {
		// Why is the Gateway's to say, to those who may read it.
		return no(string(gatewayv1.ListenerSetReasonParentNotAccepted),
			fmt.Sprintf("Gateway %s is not accepted (%s)", s.Gateway.Key(), s.Gateway.Accepted.Reason))
	}
	var refused []string
	for _, l := range s.Listeners {
		switch {
		case !l.Accepted.True:
			refused = append(refused, fmt.Sprintf("listener %q: %s", l.Source.Name, l.Accepted.Message))
		case !l.Serves() && !l.AwaitsCertificate:
			refused = append(refused, fmt.Sprintf("listener %q: %s", l.Source.Name, l.ResolvedRefs.Message))
		}
	}
	reason := string(gatewayv1.ListenerSetReasonListenersNotValid)
	switch {
	case len(refused) == 0:
		return yes(string(gatewayv1.ListenerSetReasonAccepted), ListenerSetAccepted)
	case len(refused) == len(s.Listeners):
		return no(reason, strings.Join(refused, "; "))
	}
	return yes(reason, ListenerSetAccepted+" without some of its listeners: "+strings.Join(refused, "; "))
}

// AttachedListenerSets is how many are accepted.
func (g *Gateway) AttachedListenerSets() int32 {
	n := int32(0)
	for _, set := range g.ListenerSets {
		if set.Accepted.True {
			n++
		}
	}
	return n
}

// OwnListeners are those that the Gateway itself has.
func (g *Gateway) OwnListeners() []*Listener {
	return g.Listeners[:len(g.Source.Spec.Listeners)]
}

// Called is what the listener is called where there may be several of its name:
// a listener of a ListenerSet with its set.
func (l *Listener) Called() string {
	if l.Owner.Kind == kindGateway {
		return fmt.Sprintf("listener %q", l.Source.Name)
	}
	return fmt.Sprintf("listener %q of %s %s", l.Source.Name, l.Owner.Kind, l.Owner.Key())
}
