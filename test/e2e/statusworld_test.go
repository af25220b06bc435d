package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// worldNamespaces are the namespaces of the world; one with the label is chosen
// by listeners that ask for it.
var worldNamespaces = []string{"north", "south", "west"}

const (
	chosenLabel = "chosen"
	otherClass  = "other"
	// otherController is who has that class; the test plays it.
	otherController = "example.com/other"
)

var (
	ownGateways = []types.NamespacedName{{Namespace: "north", Name: "first"}, {Namespace: "south", Name: "second"}}
	ownSet      = types.NamespacedName{Namespace: "south", Name: "annex"}
	theirs      = types.NamespacedName{Namespace: "north", Name: "theirs"}
	hostnames   = []gatewayv1.Hostname{"a.home.test", "b.home.test", "own.test", "*.annex.test", "a.annex.test", "elsewhere.test"}
)

// world changes at random. All that it holds is in the cluster, but for what the
// test has to remember of what it wrote.
type world struct {
	*rand.Rand
	// foreign are the entries that the other controller has in routes' statuses.
	foreign map[types.UID]gatewayv1.RouteParentStatus
	// untouched are the versions in which the test left objects of the other class.
	untouched map[types.NamespacedName]string
}

// newWorld makes the two Gateways, and one of another class.
func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{Rand: rand.New(rand.NewPCG(seed, 0)), foreign: map[types.UID]gatewayv1.RouteParentStatus{}, untouched: map[types.NamespacedName]string{}}
	for _, name := range worldNamespaces {
		newNamespace(t, name)
	}
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: otherClass}, Spec: gatewayv1.GatewayClassSpec{ControllerName: otherController}}
	create(t, class)
	for _, key := range ownGateways {
		create(t, newGateway(key, "gatewright"))
	}
	create(t, newGateway(theirs, otherClass))
	return w
}

// create makes an object for the time of the test.
func create(t *testing.T, o client.Object) {
	t.Helper()
	if err := lab.Client.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Client.Delete(context.Background(), o); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
}

func newGateway(key types.NamespacedName, class gatewayv1.ObjectName) *gatewayv1.Gateway {
	g := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	g.Spec.GatewayClassName = class
	g.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromAll)}}
	g.Spec.Listeners = listenerPool()[:1]
	return g
}

// listenerPool are the listeners that a Gateway of the world has, or has not.
// The first stays.
func listenerPool() []gatewayv1.Listener {
	all := gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromAll)}
	same := gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromSame)}
	some := gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromSelector), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{chosenLabel: "yes"}}}
	listener := func(name gatewayv1.SectionName, hostname gatewayv1.Hostname, from gatewayv1.RouteNamespaces) gatewayv1.Listener {
		l := gatewayv1.Listener{Name: name, Port: 80, Protocol: gatewayv1.HTTPProtocolType, AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &from}}
		if hostname != "" {
			l.Hostname = &hostname
		}
		return l
	}
	return []gatewayv1.Listener{listener("home", "*.home.test", all), listener("any", "", same), listener("own", "own.test", some), listener("b", "b.home.test", all)}
}

func entryPool() []gatewayv1.ListenerEntry {
	var entries []gatewayv1.ListenerEntry
	for _, hostname := range []gatewayv1.Hostname{"*.annex.test", "a.annex.test"} {
		entries = append(entries, gatewayv1.ListenerEntry{
			Name: gatewayv1.SectionName("entry" + fmt.Sprint(len(entries))), Hostname: &hostname, Port: 80, Protocol: gatewayv1.HTTPProtocolType,
			AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromAll)}},
		})
	}
	return entries
}

// change does one random thing, and says what it was.
func (w *world) change(ctx context.Context) (string, error) {
	kinds := []func(context.Context) (string, error){
		w.createRoute, w.createRoute, w.createRoute, w.deleteRoute, w.editRoute, w.editRoute, w.editRoute, w.editRoute,
		w.toggleListener, w.toggleSet, w.editSet, w.toggleService, w.toggleService, w.toggleGrant, w.toggleGrant, w.relabel,
		w.sayAsTheOther, w.sayAsTheOther, w.editTheirs,
	}
	for {
		did, err := pick(w, kinds)(ctx)
		if did != "" || err != nil {
			return did, err
		}
	}
}

func pick[T any](w *world, from []T) T { return from[w.IntN(len(from))] }

// some picks a random part of a list, in its order.
func some[T any](w *world, from []T) []T {
	return slices.DeleteFunc(slices.Clone(from), func(T) bool { return w.IntN(2) == 0 })
}

func (w *world) routes(ctx context.Context) ([]gatewayv1.HTTPRoute, error) {
	var all []gatewayv1.HTTPRoute
	for _, namespace := range worldNamespaces {
		var list gatewayv1.HTTPRouteList
		if err := lab.Client.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return nil, err
		}
		all = append(all, list.Items...)
	}
	return all, nil
}

func (w *world) createRoute(ctx context.Context) (string, error) {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: pick(w, worldNamespaces), Name: fmt.Sprintf("route-%d", w.IntN(6))}}
	r.Spec.ParentRefs = w.parents(r.Namespace)
	r.Spec.Hostnames = some(w, hostnames)
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: w.backends()}}
	err := lab.Client.Create(ctx, r)
	if apierrors.IsAlreadyExists(err) {
		return "", nil
	}
	return "create " + r.Namespace + "/" + r.Name, err
}

// parents are one to three of what a route of the namespace can name, ours and
// others', that there is and that there is not.
func (w *world) parents(namespace string) []gatewayv1.ParentReference {
	var refs []gatewayv1.ParentReference
	add := func(kind gatewayv1.Kind, key types.NamespacedName, sections ...gatewayv1.SectionName) {
		ref := gatewayv1.ParentReference{Kind: &kind, Name: gatewayv1.ObjectName(key.Name)}
		if key.Namespace != namespace || w.IntN(2) == 0 {
			ref.Namespace = new(gatewayv1.Namespace(key.Namespace))
		}
		if w.IntN(3) > 0 {
			refs = append(refs, ref)
			return
		}
		for _, section := range sections[:1+w.IntN(len(sections))] {
			named := ref
			named.SectionName = &section
			refs = append(refs, named)
		}
	}
	for _, one := range w.Perm(4)[:1+w.IntN(3)] {
		switch one {
		case 0, 1:
			add("Gateway", ownGateways[one], "own", "any", "b")
		case 2:
			add("ListenerSet", ownSet, "entry1")
		case 3:
			add("Gateway", theirs, "home")
		}
	}
	return refs
}

func (w *world) backends() []gatewayv1.HTTPBackendRef {
	var ref gatewayv1.HTTPBackendRef
	ref.Name, ref.Port = pick(w, []gatewayv1.ObjectName{"web", "web", "missing"}), new(gatewayv1.PortNumber(80))
	if w.IntN(2) == 0 {
		ref.Namespace = new(gatewayv1.Namespace(pick(w, worldNamespaces)))
	}
	return []gatewayv1.HTTPBackendRef{ref}
}

func (w *world) deleteRoute(ctx context.Context) (string, error) {
	all, err := w.routes(ctx)
	if err != nil || len(all) < 4 {
		return "", err
	}
	r := pick(w, all)
	return "delete " + r.Namespace + "/" + r.Name, lab.Client.Delete(ctx, &r)
}

func (w *world) editRoute(ctx context.Context) (string, error) {
	all, err := w.routes(ctx)
	if err != nil || len(all) == 0 {
		return "", err
	}
	r := pick(w, all)
	switch w.IntN(3) {
	case 0:
		names := some(w, hostnames)
		return edit(ctx, "hostnames", &r, func(r *gatewayv1.HTTPRoute) { r.Spec.Hostnames = names })
	case 1:
		parents := w.parents(r.Namespace)
		return edit(ctx, "parents", &r, func(r *gatewayv1.HTTPRoute) { r.Spec.ParentRefs = parents })
	}
	backends := w.backends()
	return edit(ctx, "backend", &r, func(r *gatewayv1.HTTPRoute) { r.Spec.Rules[0].BackendRefs = backends })
}

// edit changes an object's spec, and says nothing if that made no difference.
func edit[O client.Object](ctx context.Context, what string, o O, change func(O)) (string, error) {
	before := o.GetGeneration()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := lab.Client.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		change(o)
		return lab.Client.Update(ctx, o)
	})
	if err == nil && o.GetGeneration() == before {
		return "", nil
	}
	return fmt.Sprintf("edit %s of %s/%s", what, o.GetNamespace(), o.GetName()), err
}

func (w *world) toggleListener(ctx context.Context) (string, error) {
	key, chosen := pick(w, ownGateways), pick(w, listenerPool()[1:])
	var g gatewayv1.Gateway
	if err := lab.Client.Get(ctx, key, &g); err != nil {
		return "", err
	}
	return edit(ctx, "listener "+string(chosen.Name), &g, func(g *gatewayv1.Gateway) {
		before := len(g.Spec.Listeners)
		g.Spec.Listeners = slices.DeleteFunc(g.Spec.Listeners, func(l gatewayv1.Listener) bool { return l.Name == chosen.Name })
		if len(g.Spec.Listeners) == before {
			g.Spec.Listeners = append(g.Spec.Listeners, chosen)
		}
	})
}

// toggle creates the object, or deletes it if it is there.
func toggle(ctx context.Context, o client.Object) (string, error) {
	name := fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName())
	err := lab.Client.Create(ctx, o)
	if apierrors.IsAlreadyExists(err) {
		return "delete " + name, lab.Client.Delete(ctx, o)
	}
	return "create " + name, err
}

func (w *world) toggleSet(ctx context.Context) (string, error) {
	set := &gatewayv1.ListenerSet{ObjectMeta: metav1.ObjectMeta{Namespace: ownSet.Namespace, Name: ownSet.Name}}
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{Name: gatewayv1.ObjectName(ownGateways[0].Name), Namespace: new(gatewayv1.Namespace(ownGateways[0].Namespace))}
	set.Spec.Listeners = entryPool()
	return toggle(ctx, set)
}

// editSet changes how many listeners the ListenerSet has.
func (w *world) editSet(ctx context.Context) (string, error) {
	var set gatewayv1.ListenerSet
	if err := lab.Client.Get(ctx, ownSet, &set); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	return edit(ctx, "entries", &set, func(s *gatewayv1.ListenerSet) { s.Spec.Listeners = entryPool()[:3-len(s.Spec.Listeners)] })
}

func (w *world) toggleService(ctx context.Context) (string, error) {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: pick(w, worldNamespaces), Name: "web"}}
	s.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	return toggle(ctx, s)
}

func (w *world) toggleGrant(ctx context.Context) (string, error) {
	from := pick(w, worldNamespaces)
	g := &gatewayv1.ReferenceGrant{ObjectMeta: metav1.ObjectMeta{Namespace: pick(w, worldNamespaces), Name: "from-" + from}}
	g.Spec.From = []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: gatewayv1.Namespace(from)}}
	g.Spec.To = []gatewayv1.ReferenceGrantTo{{Kind: "Service"}}
	return toggle(ctx, g)
}

func (w *world) relabel(ctx context.Context) (string, error) {
	var n corev1.Namespace
	if err := lab.Client.Get(ctx, types.NamespacedName{Name: pick(w, worldNamespaces)}, &n); err != nil {
		return "", err
	}
	before := n.DeepCopy()
	if n.Labels = maps.Clone(n.Labels); n.Labels[chosenLabel] == "" {
		n.Labels[chosenLabel] = "yes"
	} else {
		delete(n.Labels, chosenLabel)
	}
	return "label namespace " + n.Name, lab.Client.Patch(ctx, &n, client.MergeFrom(before))
}
