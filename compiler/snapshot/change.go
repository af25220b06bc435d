package snapshot

import (
	"maps"
	"reflect"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Change is what differs between two snapshots.
type Change struct {
	// Routes that are new, gone, or not what they were. That others, or we, wrote
	// their status is no difference.
	Routes map[RouteKey]bool
	// Services of which that holds, or of whose EndpointSlices it does.
	Services map[types.NamespacedName]bool
	// DataPlanes says that they report something else.
	DataPlanes bool
	// Others says that anything else differs.
	Others bool
}

// IsNone says that nothing differs but, maybe, what data planes report.
func (c Change) IsNone() bool { return !c.Others && len(c.Routes) == 0 && len(c.Services) == 0 }

// Since returns what has changed since an earlier snapshot. Objects are told apart
// by what an API server writes into them: one without resource version is taken to
// have changed.
func (s Snapshot) Since(before Snapshot) Change {
	c := Change{Routes: map[RouteKey]bool{}, Services: map[types.NamespacedName]bool{}}
	noteRoutes(&c, before.HTTPRoutes, s.HTTPRoutes)
	noteRoutes(&c, before.GRPCRoutes, s.GRPCRoutes)
	noteRoutes(&c, before.TLSRoutes, s.TLSRoutes)
	noteRoutes(&c, before.TCPRoutes, s.TCPRoutes)
	noteRoutes(&c, before.UDPRoutes, s.UDPRoutes)
	differences(before.Services, s.Services, same, func(o metav1.Object) { c.Services[KeyOf(o)] = true })
	differences(before.EndpointSlices, s.EndpointSlices, same, func(o metav1.Object) {
		c.Services[types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetLabels()[discoveryv1.LabelServiceName]}] = true
	})
	c.DataPlanes = !reflect.DeepEqual(before.DataPlanes, s.DataPlanes)
	c.Others = !alike(before.GatewayClasses, s.GatewayClasses, sameButStatus) ||
		!alike(before.Gateways, s.Gateways, sameButStatus) ||
		!alike(before.ListenerSets, s.ListenerSets, sameButStatus) ||
		!alike(before.BackendTLSPolicies, s.BackendTLSPolicies, sameButStatus) ||
		!alike(before.ReferenceGrants, s.ReferenceGrants, same) ||
		!alike(before.WebSocketPolicies, s.WebSocketPolicies, sameButStatus) ||
		!alike(before.GatewayConfigs, s.GatewayConfigs, sameButStatus) ||
		!alike(before.Namespaces, s.Namespaces, same) ||
		!alike(before.Secrets, s.Secrets, same) ||
		!alike(before.ConfigMaps, s.ConfigMaps, same) ||
		!alike(before.Certificates, s.Certificates, same) ||
		!alike(before.CertificateRequests, s.CertificateRequests, same) ||
		!alike(before.Orders, s.Orders, same) ||
		!alike(before.Challenges, s.Challenges, same) ||
		!alike(before.Issuers, s.Issuers, same) ||
		!alike(before.ClusterIssuers, s.ClusterIssuers, same) ||
		before.NoCertManager != s.NoCertManager ||
		before.IssuersUnknown != s.IssuersUnknown ||
		before.SecretsUnknown != s.SecretsUnknown ||
		!maps.Equal(before.OverdueCertificates, s.OverdueCertificates) ||
		!maps.Equal(before.Quarantined, s.Quarantined) ||
		!reflect.DeepEqual(before.GatewayAPI, s.GatewayAPI)
	return c
}

func noteRoutes[T metav1.Object](c *Change, before, now Set[T]) {
	differences(before, now, sameButStatus, func(o metav1.Object) {
		if route, ok := RouteOf(o); ok {
			c.Routes[route.RouteKey()] = true
		}
	})
}

func alike[T metav1.Object](before, now Set[T], same func(a, b metav1.Object) bool) bool {
	equal := before.Len() == now.Len()
	if equal {
		differences(before, now, same, func(metav1.Object) { equal = false })
	}
	return equal
}

// differences notes objects that only one set has, and both forms of those that
// are not the same.
func differences[T metav1.Object](before, now Set[T], same func(a, b metav1.Object) bool, note func(metav1.Object)) {
	x, y := before.sorted, now.sorted
	for len(x) > 0 && len(y) > 0 {
		switch order := compareKeys(KeyOf(x[0]), KeyOf(y[0])); {
		case order < 0:
			note(x[0])
			x = x[1:]
		case order > 0:
			note(y[0])
			y = y[1:]
		default:
			if !same(x[0], y[0]) {
				note(x[0])
				note(y[0])
			}
			x, y = x[1:], y[1:]
		}
	}
	for _, o := range x {
		note(o)
	}
	for _, o := range y {
		note(o)
	}
}

// same says that nobody wrote the object in between.
func same(a, b metav1.Object) bool {
	return a == b || a.GetUID() == b.GetUID() && a.GetUID() != "" &&
		a.GetResourceVersion() == b.GetResourceVersion() && a.GetResourceVersion() != ""
}

// sameButStatus says that nobody wrote more than the object's status in between.
// It is for kinds whose status the compiler does not read, and whose generation
// counts changes of the rest but for the metadata.
func sameButStatus(a, b metav1.Object) bool {
	if same(a, b) {
		return true
	}
	created, createdThen := b.GetCreationTimestamp(), a.GetCreationTimestamp()
	return a.GetUID() == b.GetUID() && a.GetUID() != "" && a.GetGeneration() == b.GetGeneration() && a.GetGeneration() != 0 &&
		created.Equal(&createdThen) &&
		a.GetDeletionTimestamp().Equal(b.GetDeletionTimestamp()) &&
		maps.Equal(a.GetLabels(), b.GetLabels()) && maps.Equal(a.GetAnnotations(), b.GetAnnotations()) &&
		reflect.DeepEqual(a.GetOwnerReferences(), b.GetOwnerReferences())
}
