package operator

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatewright/gatewright/compiler/infra"
)

func TestBundlesThatTheOperatorStoresMakeNoWork(t *testing.T) {
	t.Parallel()
	managed := map[string]string{infra.LabelManagedBy: infra.ManagedBy}
	for name, c := range map[string]struct {
		secret string
		labels map[string]string
		want   bool
	}{
		"a stored bundle":                  {secret: infra.BundleSecretName(homeKey), labels: managed},
		"a stored bundle made another's":   {secret: infra.BundleSecretName(homeKey), want: true},
		"the identity of a Gateway":        {secret: infra.IdentitySecretName(homeKey), labels: managed, want: true},
		"a certificate with such an end":   {secret: "my-bundle", labels: managed, want: true},
		"a certificate of somebody else's": {secret: "jarrett-net-tls", want: true},
	} {
		after := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: c.secret, Labels: c.labels}}
		if got := secretChanged(&metav1.PartialObjectMetadata{}, after); got != c.want {
			t.Errorf("%s: work is made: %t, want %t", name, got, c.want)
		}
	}
}
