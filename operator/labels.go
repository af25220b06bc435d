package operator

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatewright/gatewright/compiler/infra"
)

// What the operator owns, as package infra labels it: of Deployments,
// ServiceAccounts and Pods the cache holds nothing else.
var (
	selectManaged = labels.SelectorFromSet(labels.Set{infra.LabelManagedBy: infra.ManagedBy})
	selectPods    = labels.SelectorFromSet(labels.Set{infra.LabelManagedBy: infra.ManagedBy, infra.LabelName: infra.AppName})
)

func isManaged(o client.Object) bool { return o.GetLabels()[infra.LabelManagedBy] == infra.ManagedBy }

// isReady says whether the pod gets traffic.
func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
