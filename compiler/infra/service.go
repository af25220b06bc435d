package infra

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
)

// The annotations with which MetalLB is asked for addresses. The older name is
// left out where both would contradict each other.
const (
	loadBalancerIPs    = "metallb.io/loadBalancerIPs"
	oldLoadBalancerIPs = "metallb.universe.tf/loadBalancerIPs"
)

// service is where the Gateway's traffic comes in. MetalLB takes the addresses
// from an annotation; spec.loadBalancerIP beside it would be an error.
func service(g *graph.Gateway) *corev1.Service {
	s := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: meta(g),
		Spec: corev1.ServiceSpec{
			Type:                  corev1.ServiceTypeLoadBalancer,
			Selector:              PodLabels(g.Key()),
			ExternalTrafficPolicy: *g.Config.Spec.Service.ExternalTrafficPolicy,
			LoadBalancerClass:     g.Config.Spec.Service.LoadBalancerClass,
			Ports:                 servicePorts(g),
		},
	}
	s.Annotations = maps.Clone(g.Config.Spec.Service.Annotations)
	if s.Annotations == nil {
		s.Annotations = map[string]string{}
	}
	maps.Copy(s.Annotations, annotationsOf(g))
	if len(g.Addresses) > 0 {
		delete(s.Annotations, oldLoadBalancerIPs)
		s.Annotations[loadBalancerIPs] = strings.Join(g.Addresses, ",")
	}
	policy, families := ipFamilies(g.Addresses)
	s.Spec.IPFamilyPolicy, s.Spec.IPFamilies = &policy, families
	return s
}

// servicePorts are the ports of the listeners that are accepted, whether or not
// they have a certificate yet.
func servicePorts(g *graph.Gateway) []corev1.ServicePort {
	var ports []corev1.ServicePort
	for _, l := range g.Listeners {
		if l.Accepted.True && !l.Conflicted.True {
			ports = append(ports, servicePort(l.Source))
		}
	}
	slices.SortFunc(ports, func(a, b corev1.ServicePort) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), strings.Compare(a.Name, b.Name))
	})
	return slices.Compact(ports)
}

// servicePort is for connections, or for datagrams, which may have the same
// number.
func servicePort(l *gatewayv1.Listener) corev1.ServicePort {
	p := corev1.ServicePort{
		Name: "port-" + strconv.Itoa(int(l.Port)), Protocol: corev1.ProtocolTCP,
		Port: l.Port, TargetPort: intstr.FromInt32(l.Port),
	}
	if l.Protocol == gatewayv1.UDPProtocolType {
		p.Name, p.Protocol = p.Name+"-udp", corev1.ProtocolUDP
	}
	return p
}

// ipFamilies are those of the addresses, since MetalLB gives a Service no
// address of a family that it has not; whatever the cluster has where none are
// asked for.
func ipFamilies(addresses []string) (corev1.IPFamilyPolicy, []corev1.IPFamily) {
	var families []corev1.IPFamily
	for _, a := range addresses {
		family := corev1.IPv6Protocol
		if ip, err := netip.ParseAddr(a); err == nil && ip.Is4() {
			family = corev1.IPv4Protocol
		}
		if !slices.Contains(families, family) {
			families = append(families, family)
		}
	}
	switch len(families) {
	case 0:
		return corev1.IPFamilyPolicyPreferDualStack, nil
	case 1:
		return corev1.IPFamilyPolicySingleStack, families
	}
	return corev1.IPFamilyPolicyRequireDualStack, families
}
