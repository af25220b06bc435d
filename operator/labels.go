package operator

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The labels by which the operator finds its own among all objects: package
// infra sets them. Of Deployments, ServiceAccounts and Pods the cache holds no
// others.
const (
	labelManagedBy = "app.kubernetes.io/managed-by"
	managedBy      = "gatewright"
	labelName      = "app.kubernetes.io/name"
	nginxName      = "gatewright-nginx"
	// namePrefix is what names of owned objects begin with.
	namePrefix = "gatewright-"
)

var (
	selectManaged = labels.SelectorFromSet(labels.Set{labelManagedBy: managedBy})
	selectPods    = labels.SelectorFromSet(labels.Set{labelManagedBy: managedBy, labelName: nginxName})
)

func isManaged(o client.Object) bool { return o.GetLabels()[labelManagedBy] == managedBy }

// isReady says whether the pod gets traffic.
func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
