package operator

import (
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/infra"
)

var setKey = client.ObjectKey{Namespace: homeKey.Namespace, Name: "shop"}

// withListenerSet adds a ListenerSet to the cluster, which its Gateway lets in.
func withListenerSet(t *testing.T, f *fakeCluster, listeners ...gatewayv1.ListenerEntry) *gatewayv1.ListenerSet {
	t.Helper()
	g := &gatewayv1.Gateway{}
	f.get(t, homeKey, g)
	g.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromSame)}}
	if err := f.client.Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	set := &gatewayv1.ListenerSet{ObjectMeta: metav1.ObjectMeta{Namespace: setKey.Namespace, Name: setKey.Name, UID: "set", Generation: 3}}
	set.Spec.ParentRef.Name = gatewayv1.ObjectName(homeKey.Name)
	set.Spec.Listeners = listeners
	if err := f.client.Create(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	return set
}

// says are status and reason of a condition of the ListenerSet.
func (r *rig) says(t *testing.T, kind string) string {
	t.Helper()
	set := &gatewayv1.ListenerSet{}
	r.fake.get(t, setKey, set)
	if c := find(set.Status.Conditions, kind); c != nil {
		return string(c.Status) + " " + c.Reason
	}
	return ""
}

func TestAListenerSetIsProgrammedWhenNginxServesIt(t *testing.T) {
	t.Parallel()
	f := homelab(t)
	withListenerSet(t, f, gatewayv1.ListenerEntry{Name: "web", Port: 8080, Protocol: gatewayv1.HTTPProtocolType})
	agent := startStandIn(t, f, "")
	r := newRig(t, f, agent.port)
	r.until(t, "the address missing", func() bool { return r.says(t, "Programmed") == "False ParentNotProgrammed" })
	r.assign(t)
	r.until(t, "the ListenerSet programmed", func() bool { return r.says(t, "Programmed") == "True Programmed" })

	g, set := &gatewayv1.Gateway{}, &gatewayv1.ListenerSet{}
	f.get(t, homeKey, g)
	if g.Status.AttachedListenerSets == nil || *g.Status.AttachedListenerSets != 1 || len(g.Status.Listeners) != 1 {
		t.Errorf("attachedListenerSets %v, %d listeners", g.Status.AttachedListenerSets, len(g.Status.Listeners))
	}
	f.get(t, setKey, set)
	if len(set.Status.Listeners) != 1 || set.Status.Listeners[0].Conditions[0].ObservedGeneration != 3 {
		t.Errorf("listeners %+v", set.Status.Listeners)
	}

	// Nobody serves it once its Gateway is gone.
	if err := f.client.Delete(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	r.until(t, "the ListenerSet told so", func() bool {
		return r.says(t, "Accepted") == "Unknown Pending" && r.says(t, "Programmed") == "Unknown Pending"
	})
	f.get(t, setKey, set)
	if diff := cmp.Diff(0, len(set.Status.Listeners)); diff != "" {
		t.Errorf("listeners in the status (-want +got):\n%s", diff)
	}
	f.written()
	r.until(t, "another round", func() bool { return true })
	if writes := f.written(); len(writes) > 0 {
		t.Errorf("writes %v, though nothing has changed", writes)
	}
}

func TestOurCertificateGoesWithTheListenerSetsListener(t *testing.T) {
	t.Parallel()
	hostname := gatewayv1.Hostname("*.example.net")
	needing := gatewayv1.ListenerEntry{Name: "tls", Port: 8443, Protocol: gatewayv1.HTTPSProtocolType, Hostname: &hostname}
	needing.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(certificateKey.Name)}}}
	plain := gatewayv1.ListenerEntry{Name: "web", Port: 8080, Protocol: gatewayv1.HTTPProtocolType}
	no := false
	ours := shimCertificate("*.example.net")
	ours.OwnerReferences = []metav1.OwnerReference{{Kind: "ListenerSet", Name: setKey.Name, UID: "set", Controller: &no}}
	ours.Labels = map[string]string{infra.LabelManagedBy: infra.ManagedBy, "gatewright.dev/generated": "true"}
	elsewhere := ours.DeepCopy()
	elsewhere.OwnerReferences[0].UID = "another"
	tests := map[string]struct {
		there    *cmv1.Certificate
		listener gatewayv1.ListenerEntry
		parent   gatewayv1.ObjectName
		stays    bool
	}{
		"it stays while a listener needs it":                {there: ours, listener: needing, stays: true},
		"it goes when none does":                            {there: ours, listener: plain},
		"it goes when the ListenerSet leaves for another's": {there: ours, listener: needing, parent: "foreign"},
		"that of a deleted ListenerSet is left to the API":  {there: elsewhere, listener: plain, stays: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := homelab(t)
			if err := f.client.Create(t.Context(), test.there.DeepCopy()); err != nil {
				t.Fatal(err)
			}
			set := withListenerSet(t, f, test.listener)
			set.Annotations = map[string]string{"cert-manager.io/cluster-issuer": "letsencrypt"}
			if test.parent != "" {
				set.Spec.ParentRef.Name = test.parent
			}
			if err := f.client.Update(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			r := newClockedRig(t, f)
			r.reconcile(t)
			if stays := r.certificate(t) != nil; stays != test.stays {
				t.Errorf("it is there: %v, want %v", stays, test.stays)
			}
		})
	}
}
