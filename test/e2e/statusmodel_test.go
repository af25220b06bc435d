package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/test/homelab"
)

// view is what is in the world at one time. What its statuses should say follows
// from its specs, by rules that are written down here a second time.
type view struct {
	gateways []gatewayv1.Gateway
	sets     []gatewayv1.ListenerSet
	routes   []gatewayv1.HTTPRoute
	services map[types.NamespacedName]bool
	grants   []gatewayv1.ReferenceGrant
	labels   map[string]map[string]string
}

func (w *world) look(ctx context.Context) (view, error) {
	v := view{services: map[types.NamespacedName]bool{}, labels: map[string]map[string]string{}}
	var (
		gateways gatewayv1.GatewayList
		sets     gatewayv1.ListenerSetList
		services corev1.ServiceList
		grants   gatewayv1.ReferenceGrantList
		spaces   corev1.NamespaceList
	)
	for _, list := range []client.ObjectList{&gateways, &sets, &services, &grants, &spaces} {
		if err := lab.Client.List(ctx, list); err != nil {
			return view{}, err
		}
	}
	for _, g := range gateways.Items {
		if slices.Contains(ownGateways, client.ObjectKeyFromObject(&g)) {
			v.gateways = append(v.gateways, g)
		}
	}
	v.sets, v.grants = sets.Items, grants.Items
	for _, s := range services.Items {
		v.services[client.ObjectKeyFromObject(&s)] = true
	}
	for _, n := range spaces.Items {
		v.labels[n.Name] = n.Labels
	}
	var err error
	v.routes, err = w.routes(ctx)
	return v, err
}

// door is a listener of a Gateway or of a ListenerSet.
type door struct {
	kind     gatewayv1.Kind
	owner    types.NamespacedName
	name     gatewayv1.SectionName
	hostname *gatewayv1.Hostname
	allowed  *gatewayv1.AllowedRoutes
}

func doorsOf(g *gatewayv1.Gateway) []door {
	var doors []door
	for _, l := range g.Spec.Listeners {
		doors = append(doors, door{"Gateway", client.ObjectKeyFromObject(g), l.Name, l.Hostname, l.AllowedRoutes})
	}
	return doors
}

func doorsOfSet(s *gatewayv1.ListenerSet) []door {
	var doors []door
	for _, l := range s.Spec.Listeners {
		doors = append(doors, door{"ListenerSet", client.ObjectKeyFromObject(s), l.Name, l.Hostname, l.AllowedRoutes})
	}
	return doors
}

func (v view) doors() []door {
	var doors []door
	for i := range v.gateways {
		doors = append(doors, doorsOf(&v.gateways[i])...)
	}
	for i := range v.sets {
		doors = append(doors, doorsOfSet(&v.sets[i])...)
	}
	return doors
}

// fits says whether the route goes in at the door by that parentRef.
func (v view) fits(r *gatewayv1.HTTPRoute, ref gatewayv1.ParentReference, d door) bool {
	if *ref.Kind != d.kind || keyOf(r.Namespace, ref.Namespace, ref.Name) != d.owner || ref.SectionName != nil && *ref.SectionName != d.name {
		return false
	}
	switch *d.allowed.Namespaces.From {
	case gatewayv1.NamespacesFromSame:
		if r.Namespace != d.owner.Namespace {
			return false
		}
	case gatewayv1.NamespacesFromSelector:
		if v.labels[r.Namespace][chosenLabel] != "yes" {
			return false
		}
	}
	return d.hostname == nil || len(r.Spec.Hostnames) == 0 || slices.ContainsFunc(r.Spec.Hostnames, func(h gatewayv1.Hostname) bool {
		return covers(string(*d.hostname), string(h)) || covers(string(h), string(*d.hostname))
	})
}

// covers says whether all hosts that one name means are meant by the other.
func covers(wide, narrow string) bool {
	domain, isWildcard := strings.CutPrefix(wide, "*")
	return wide == narrow || isWildcard && strings.HasSuffix(narrow, domain)
}

func (v view) attached(d door) (n int32) {
	for i := range v.routes {
		r := &v.routes[i]
		if slices.ContainsFunc(r.Spec.ParentRefs, func(ref gatewayv1.ParentReference) bool { return v.fits(r, ref, d) }) {
			n++
		}
	}
	return n
}

// ours says whether a parentRef names what is there and is ours.
func (v view) ours(r *gatewayv1.HTTPRoute, ref gatewayv1.ParentReference) bool {
	key := keyOf(r.Namespace, ref.Namespace, ref.Name)
	if *ref.Kind == "ListenerSet" {
		return slices.ContainsFunc(v.sets, func(s gatewayv1.ListenerSet) bool { return client.ObjectKeyFromObject(&s) == key })
	}
	return slices.Contains(ownGateways, key)
}

func (v view) resolves(r *gatewayv1.HTTPRoute) bool {
	ref := r.Spec.Rules[0].BackendRefs[0]
	to := keyOf(r.Namespace, ref.Namespace, ref.Name)
	return v.services[to] && (to.Namespace == r.Namespace || slices.ContainsFunc(v.grants, func(g gatewayv1.ReferenceGrant) bool {
		return g.Namespace == to.Namespace && string(g.Spec.From[0].Namespace) == r.Namespace
	}))
}

// check tells what the statuses say that is not so.
func (v view) check() error {
	var wrong []error
	for i := range v.gateways {
		wrong = append(wrong, v.checkGateway(&v.gateways[i]))
	}
	for i := range v.sets {
		wrong = append(wrong, v.checkSet(&v.sets[i]))
	}
	for i := range v.routes {
		r := &v.routes[i]
		if err := v.checkRoute(r); err != nil {
			wrong = append(wrong, fmt.Errorf("HTTPRoute %s/%s: %w", r.Namespace, r.Name, err))
		}
	}
	return errors.Join(wrong...)
}

func (v view) checkGateway(g *gatewayv1.Gateway) error {
	doors, name := doorsOf(g), "Gateway "+g.Namespace+"/"+g.Name
	wrong := []error{is(g.Status.Conditions, "Accepted", true, g.Generation), is(g.Status.Conditions, "Programmed", true, g.Generation)}
	sets := int32(0)
	for _, s := range v.sets {
		if keyOf(s.Namespace, s.Spec.ParentRef.Namespace, s.Spec.ParentRef.Name) == client.ObjectKeyFromObject(g) {
			sets++
		}
	}
	if said := g.Status.AttachedListenerSets; said == nil && sets > 0 || said != nil && *said != sets {
		wrong = append(wrong, fmt.Errorf("attachedListenerSets of %s is not %d", name, sets))
	}
	if len(g.Status.Listeners) != len(doors) {
		return fmt.Errorf("%s tells of %d listeners, and has %d", name, len(g.Status.Listeners), len(doors))
	}
	for i, l := range g.Status.Listeners {
		wrong = append(wrong, v.checkDoor(doors[i], l, g.Generation))
	}
	return prefixed(name, wrong)
}

func (v view) checkSet(s *gatewayv1.ListenerSet) error {
	doors, name := doorsOfSet(s), "ListenerSet "+s.Namespace+"/"+s.Name
	wrong := []error{is(s.Status.Conditions, "Accepted", true, s.Generation), is(s.Status.Conditions, "Programmed", true, s.Generation)}
	if len(s.Status.Listeners) != len(doors) {
		return fmt.Errorf("%s tells of %d listeners, and has %d", name, len(s.Status.Listeners), len(doors))
	}
	for i, l := range s.Status.Listeners {
		wrong = append(wrong, v.checkDoor(doors[i], gatewayv1.ListenerStatus(l), s.Generation))
	}
	return prefixed(name, wrong)
}

func (v view) checkDoor(d door, l gatewayv1.ListenerStatus, generation int64) error {
	if l.Name != d.name {
		return fmt.Errorf("listener %s stands where %s should", l.Name, d.name)
	}
	wrong := []error{
		is(l.Conditions, "Accepted", true, generation), is(l.Conditions, "Programmed", true, generation),
		is(l.Conditions, "ResolvedRefs", true, generation), is(l.Conditions, "Conflicted", false, generation),
	}
	if want := v.attached(d); l.AttachedRoutes != want {
		wrong = append(wrong, fmt.Errorf("%d attachedRoutes instead of %d", l.AttachedRoutes, want))
	}
	return prefixed("listener "+string(d.name), wrong)
}

// checkRoute asks for one entry of ours for each parentRef that is ours, and for
// no other.
func (v view) checkRoute(r *gatewayv1.HTTPRoute) error {
	said := map[string]gatewayv1.RouteParentStatus{}
	for _, p := range r.Status.Parents {
		if p.ControllerName != v1alpha1.ControllerName {
			continue
		}
		key := encoded(p.ParentRef)
		if _, twice := said[key]; twice {
			return fmt.Errorf("two entries for %s", key)
		}
		said[key] = p
	}
	for _, ref := range r.Spec.ParentRefs {
		if !v.ours(r, ref) {
			continue
		}
		key := encoded(ref)
		fits := slices.ContainsFunc(v.doors(), func(d door) bool { return v.fits(r, ref, d) })
		err := errors.Join(
			is(said[key].Conditions, "Accepted", fits, r.Generation), is(said[key].Conditions, "ResolvedRefs", v.resolves(r), r.Generation))
		if err != nil {
			return fmt.Errorf("parent %s: %w", key, err)
		}
		delete(said, key)
	}
	for key := range said {
		return fmt.Errorf("an entry for %s, which is no parent of ours", key)
	}
	return nil
}

// is tells why a condition does not say so of the generation, or another of them
// is of an older one.
func is(conditions []metav1.Condition, kind string, want bool, generation int64) error {
	for _, c := range conditions {
		if c.ObservedGeneration != generation {
			return fmt.Errorf("%s is of generation %d, not of %d", c.Type, c.ObservedGeneration, generation)
		}
		if c.Type == kind && !want && c.Status == metav1.ConditionFalse {
			return nil
		}
		if c.Type == kind && !want {
			return fmt.Errorf("%s=%s, %s: %s", kind, c.Status, c.Reason, c.Message)
		}
	}
	if !want {
		return fmt.Errorf("there is no condition %s", kind)
	}
	return homelab.IsTrue(conditions, kind, generation)
}

func prefixed(name string, wrong []error) error {
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
