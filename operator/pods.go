package operator

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/operator/dataplane"
)

// podsKey is how a Gateway's pods name it: by namespace and label.
func podsKey(gateway types.NamespacedName) types.NamespacedName {
	return types.NamespacedName{
		Namespace: gateway.Namespace,
		Name:      infra.PodLabels(gateway)[v1alpha1.LabelGateway],
	}
}

// podsOf returns the nginx pods that can be reached, by podsKey. They get their
// bundle before they are ready, as that is what makes them ready.
func podsOf(ctx context.Context, cached client.Reader) (map[types.NamespacedName][]dataplane.Pod, error) {
	var list corev1.PodList
	selector := client.MatchingLabelsSelector{Selector: selectPods}
	if err := cached.List(ctx, &list, selector, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	pods := map[types.NamespacedName][]dataplane.Pod{}
	for i := range list.Items {
		p := &list.Items[i]
		ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
		if p.Status.PodIP == "" || ended || !p.DeletionTimestamp.IsZero() {
			continue
		}
		key := types.NamespacedName{Namespace: p.Namespace, Name: p.Labels[v1alpha1.LabelGateway]}
		pods[key] = append(pods[key], dataplane.Pod{
			Name: client.ObjectKeyFromObject(p), UID: p.UID, IP: p.Status.PodIP, Ready: isReady(p),
		})
	}
	return pods, nil
}
