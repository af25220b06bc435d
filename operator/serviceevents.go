package operator

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/compiler/infra"
)

// serviceEvents returns, for each Gateway, the newest Warning Event on its
// Service: load balancers tell in no other way why they give no address.
func serviceEvents(ctx context.Context, cached client.Reader, gateways map[types.NamespacedName]bool) (map[types.NamespacedName]string, error) {
	var events corev1.EventList
	if err := cached.List(ctx, &events, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	newest := map[types.NamespacedName]*corev1.Event{}
	for i := range events.Items {
		e := &events.Items[i]
		service := types.NamespacedName{Namespace: e.InvolvedObject.Namespace, Name: e.InvolvedObject.Name}
		if last := newest[service]; last == nil || newer(e, last) {
			newest[service] = e
		}
	}
	words := map[types.NamespacedName]string{}
	for gateway := range gateways {
		service := types.NamespacedName{Namespace: gateway.Namespace, Name: infra.Name(gateway)}
		if e := newest[service]; e != nil {
			words[gateway] = e.Reason + ": " + e.Message
		}
	}
	return words, nil
}

// newer orders events, by name where they are of one second, so that a
// condition with the words does not flap.
func newer(a, b *corev1.Event) bool {
	x, y := happened(a), happened(b)
	if x.Equal(y) {
		return a.Name > b.Name
	}
	return x.After(y)
}

// happened is when the event was last seen; which field says so depends on the
// API by which it was recorded.
func happened(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}
