package infra_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

func TestTheServiceHasThePortsOfListenerSetsThatAreLetIn(t *testing.T) {
	t.Parallel()
	class := &gatewayv1.GatewayClass{}
	class.Name, class.Spec.ControllerName = "gatewright", v1alpha1.ControllerName
	gateway := &gatewayv1.Gateway{}
	gateway.Namespace, gateway.Name, gateway.Spec.GatewayClassName = "infra", "home", "gatewright"
	gateway.Spec.AllowedListeners = &gatewayv1.AllowedListeners{Namespaces: &gatewayv1.ListenerNamespaces{From: new(gatewayv1.NamespacesFromSame)}}
	gateway.Spec.Listeners = []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}
	s := snapshot.Snapshot{}.With(class).With(gateway)
	for namespace, ports := range map[string][]gatewayv1.PortNumber{"infra": {80, 8080}, "shop": {9090}} {
		set := &gatewayv1.ListenerSet{}
		set.Namespace, set.Name = namespace, "set"
		set.Spec.ParentRef = gatewayv1.ParentGatewayReference{Name: "home", Namespace: new(gatewayv1.Namespace("infra"))}
		for _, port := range ports {
			hostname := gatewayv1.Hostname(namespace + ".example.net")
			set.Spec.Listeners = append(set.Spec.Listeners, gatewayv1.ListenerEntry{
				Name: "http", Port: port, Protocol: gatewayv1.HTTPProtocolType, Hostname: &hostname,
			})
		}
		s = s.With(set)
	}
	service := find[*corev1.Service](t, infra.Build(graph.Build(s).Gateways[0], infra.Options{}))
	var got []int32
	for _, p := range service.Spec.Ports {
		got = append(got, p.Port)
	}
	if diff := cmp.Diff([]int32{80, 8080}, got); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
}
