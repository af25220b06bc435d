package workload

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Class, Namespace and Gateway name what all routes share; Zone is the domain of
// their hosts, and Port that of the one listener.
const (
	Class     = "gatewright"
	Namespace = "bench"
	Gateway   = "bench"
	Zone      = "bench.example.net"
	Port      = 80
)

// servicePort is what routes name.
const servicePort = 80

// TargetPort is where endpoints listen.
const TargetPort = 8080

// Name is that of the i-th route, its Service and its EndpointSlice.
func Name(i int) string { return fmt.Sprintf("app-%05d", i) }

// Host is that of the i-th route.
func Host(i int) string { return Name(i) + "." + Zone }

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: Namespace, Name: name}
}

// NewGateway returns the Gateway, with a listener for plain HTTP.
func NewGateway() *gatewayv1.Gateway {
	return &gatewayv1.Gateway{ObjectMeta: meta(Gateway), Spec: gatewayv1.GatewaySpec{
		GatewayClassName: Class,
		Listeners:        []gatewayv1.Listener{{Name: "http", Protocol: gatewayv1.HTTPProtocolType, Port: Port}},
	}}
}

// NewRoute returns the i-th route. Its one rule says by a header of the answer
// which revision of the route it is.
func NewRoute(i, revision int) *gatewayv1.HTTPRoute {
	prefix, path := gatewayv1.PathMatchPathPrefix, "/"
	port := gatewayv1.PortNumber(servicePort)
	backend := gatewayv1.HTTPBackendRef{}
	backend.Name, backend.Port = gatewayv1.ObjectName(Name(i)), &port
	route := &gatewayv1.HTTPRoute{ObjectMeta: meta(Name(i))}
	route.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: Gateway}}
	route.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(Host(i))}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{
		Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &prefix, Value: &path}}},
		Filters: []gatewayv1.HTTPRouteFilter{{
			Type: gatewayv1.HTTPRouteFilterResponseHeaderModifier,
			ResponseHeaderModifier: &gatewayv1.HTTPHeaderFilter{Set: []gatewayv1.HTTPHeader{
				{Name: RevisionHeader, Value: fmt.Sprint(revision)},
			}},
		}},
		BackendRefs: []gatewayv1.HTTPBackendRef{backend},
	}}
	return route
}

// RevisionHeader has the revision of the route that answered.
const RevisionHeader = "Route-Revision"

// NewService returns the i-th Service. It has no selector: its endpoints are
// what its EndpointSlice says.
func NewService(i int) *corev1.Service {
	return &corev1.Service{ObjectMeta: meta(Name(i)), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{
		Name: "http", Protocol: corev1.ProtocolTCP, Port: servicePort, TargetPort: intstr.FromInt32(TargetPort),
	}}}}
}

// NewEndpointSlice returns the i-th EndpointSlice, with one endpoint for each of
// the addresses.
func NewEndpointSlice(i int, addresses ...string) *discoveryv1.EndpointSlice {
	port, protocol, name := int32(TargetPort), corev1.ProtocolTCP, "http"
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  meta(Name(i)),
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port, Protocol: &protocol}},
	}
	s.Labels = map[string]string{discoveryv1.LabelServiceName: Name(i)}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}})
	}
	return s
}

// Snapshot returns what an operator would see of n routes.
func Snapshot(n int) snapshot.Snapshot {
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: Class}}
	class.Spec.ControllerName = v1alpha1.ControllerName
	var routes []*gatewayv1.HTTPRoute
	var services []*corev1.Service
	var slices []*discoveryv1.EndpointSlice
	for i := range n {
		routes = append(routes, seen(NewRoute(i, 0), i, 0))
		services = append(services, seen(NewService(i), i, 0))
		slices = append(slices, seen(NewEndpointSlice(i, fmt.Sprintf("10.42.%d.%d", i/250, 1+i%250)), i, 0))
	}
	return snapshot.Snapshot{
		GatewayClasses: snapshot.SetOf(class),
		Gateways:       snapshot.SetOf(seen(NewGateway(), 0, 0)),
		HTTPRoutes:     snapshot.SetOf(routes...),
		Namespaces:     snapshot.SetOf(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}),
		Services:       snapshot.SetOf(services...),
		EndpointSlices: snapshot.SetOf(slices...),
		DataPlanes:     map[types.NamespacedName]snapshot.DataPlane{{Namespace: Namespace, Name: Gateway}: {Ready: 1, Generation: 1}},
	}
}

// Changed returns the i-th route of a Snapshot as it is after its revision-th
// change.
func Changed(i, revision int) *gatewayv1.HTTPRoute { return seen(NewRoute(i, revision), i, revision) }

// seen fills in what an API server would.
func seen[T metav1.Object](o T, i, revision int) T {
	o.SetUID(types.UID(fmt.Sprintf("%T-%d", o, i)))
	o.SetGeneration(int64(1 + revision))
	o.SetResourceVersion(fmt.Sprintf("%d-%d", i, revision))
	o.SetCreationTimestamp(metav1.NewTime(time.Unix(1_700_000_000, 0)))
	return o
}
