package infra

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// serviceAccount has no rights, and its token is in no pod.
func serviceAccount(g *graph.Gateway) *corev1.ServiceAccount {
	no := false
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   meta(g),
		AutomountServiceAccountToken: &no,
	}
}
