package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// sayAsTheOther writes another controller's entry into the status of a route,
// before or after what is there.
func (w *world) sayAsTheOther(ctx context.Context) (string, error) {
	all, err := w.routes(ctx)
	if err != nil || len(all) == 0 {
		return "", err
	}
	r := pick(w, all)
	group, kind := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Kind("Gateway")
	entry := gatewayv1.RouteParentStatus{
		ParentRef: gatewayv1.ParentReference{
			Group: &group, Kind: &kind, Namespace: new(gatewayv1.Namespace(theirs.Namespace)), Name: gatewayv1.ObjectName(theirs.Name),
		},
		ControllerName: otherController,
		Conditions: []metav1.Condition{{
			Type: "Accepted", Status: metav1.ConditionFalse, Reason: "Whim", Message: fmt.Sprintf("Said %d", w.IntN(1000)),
			ObservedGeneration: r.Generation, LastTransitionTime: metav1.Now().Rfc3339Copy(),
		}},
	}
	first := w.IntN(2) == 0
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := lab.Client.Get(ctx, client.ObjectKeyFromObject(&r), &r); err != nil {
			return err
		}
		parents := slices.DeleteFunc(r.Status.Parents, func(p gatewayv1.RouteParentStatus) bool { return p.ControllerName == otherController })
		at := len(parents)
		if first {
			at = 0
		}
		r.Status.Parents = slices.Insert(parents, at, entry)
		return lab.Client.Status().Update(ctx, &r)
	})
	w.foreign[r.UID] = entry
	return fmt.Sprintf("another controller speaks of %s/%s", r.Namespace, r.Name), err
}

// editTheirs changes the Gateway of the other class, and has its controller say so.
func (w *world) editTheirs(ctx context.Context) (string, error) {
	var g gatewayv1.Gateway
	g.Namespace, g.Name = theirs.Namespace, theirs.Name
	names := some(w, listenerPool()[1:])
	did, err := edit(ctx, "listeners", &g, func(g *gatewayv1.Gateway) { g.Spec.Listeners = slices.Concat(listenerPool()[:1], names) })
	if err != nil {
		return "", err
	}
	g.Status.Conditions = []metav1.Condition{{
		Type: "Accepted", Status: metav1.ConditionTrue, Reason: "Accepted", ObservedGeneration: g.Generation, LastTransitionTime: metav1.Now(),
	}}
	err = lab.Client.Status().Update(ctx, &g)
	w.untouched[theirs] = g.ResourceVersion
	return did, err
}

// checkOthers tells what of the other controller's is not as the test left it.
func (w *world) checkOthers(ctx context.Context, v view) error {
	for key, version := range w.untouched {
		var g gatewayv1.Gateway
		if err := lab.Client.Get(ctx, key, &g); err != nil {
			return err
		}
		if err := untouched(&g, version); err != nil {
			return err
		}
	}
	for i := range v.routes {
		r := &v.routes[i]
		var kept []gatewayv1.RouteParentStatus
		for _, p := range r.Status.Parents {
			if p.ControllerName == otherController {
				kept = append(kept, p)
			}
		}
		var said []gatewayv1.RouteParentStatus
		if entry, ok := w.foreign[r.UID]; ok {
			said = append(said, entry)
		}
		if diff := cmp.Diff(encoded(said), encoded(kept)); diff != "" {
			return fmt.Errorf("what the other controller said of %s/%s (-said +kept): %s", r.Namespace, r.Name, diff)
		}
	}
	return nil
}

// untouched tells whether someone has written an object since the test did.
func untouched(o client.Object, version string) error {
	if o.GetResourceVersion() != version {
		return fmt.Errorf("%T %s/%s has version %s, and not %s that the test left it in", o, o.GetNamespace(), o.GetName(), o.GetResourceVersion(), version)
	}
	for _, f := range o.GetManagedFields() {
		if f.Manager == "gatewright" {
			return fmt.Errorf("%T %s/%s has fields of ours", o, o.GetNamespace(), o.GetName())
		}
	}
	return nil
}

// encoded is JSON, byte for byte as the API server would send it.
func encoded(of any) string {
	text, err := json.Marshal(of)
	if err != nil {
		// Objects of the API can be encoded.
		panic(err)
	}
	return string(text)
}

// keyOf reads a name with its namespace, as references write it.
func keyOf(namespace string, written *gatewayv1.Namespace, name gatewayv1.ObjectName) types.NamespacedName {
	if written != nil {
		namespace = string(*written)
	}
	return types.NamespacedName{Namespace: namespace, Name: string(name)}
}
