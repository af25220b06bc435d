package graph

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// indexEndpointSlices puts the EndpointSlices to their Services, by label, as
// for Services without selector.
func (b *builder) indexEndpointSlices() {
	for _, slice := range b.s.EndpointSlices.All() {
		if name := slice.Labels[discoveryv1.LabelServiceName]; name != "" {
			key := types.NamespacedName{Namespace: slice.Namespace, Name: name}
			b.slices[key] = append(b.slices[key], slice)
		}
	}
}

// endpoints returns the ready endpoints of a Service port, sorted. The port of
// an EndpointSlice is that of the Service which has its name.
func (b *builder) endpoints(s *corev1.Service, port *corev1.ServicePort) (found []netip.AddrPort, warning *diagnostic.Diagnostic) {
	belonging := b.slices[types.NamespacedName{Namespace: s.Namespace, Name: s.Name}]
	named := false
	for _, slice := range belonging {
		number, ok := slicePort(slice, port)
		if !ok {
			continue
		}
		named = true
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready != nil && !*e.Conditions.Ready {
				continue
			}
			// All addresses of an endpoint lead to the same place.
			for _, text := range first(e.Addresses) {
				address, ok := endpointAddress(text)
				if !ok {
					warning = new(diagnostic.ForbiddenEndpoint.At("",
						fmt.Sprintf("an EndpointSlice of Service %q has the address %q, which no backend may have", s.Name, text), ""))
					continue
				}
				found = append(found, netip.AddrPortFrom(address, number))
			}
		}
	}
	if len(belonging) > 0 && !named {
		warning = new(diagnostic.UnusableEndpoints.At("",
			fmt.Sprintf("no EndpointSlice of Service %q has a %s port named %q, as the Service's port %d is", s.Name, orTCP(&port.Protocol), port.Name, port.Port), ""))
	}
	slices.SortFunc(found, compareEndpoints)
	return slices.Compact(found), warning
}

func slicePort(slice *discoveryv1.EndpointSlice, of *corev1.ServicePort) (uint16, bool) {
	for _, p := range slice.Ports {
		if p.Name != nil && *p.Name != of.Name || p.Name == nil && of.Name != "" ||
			orTCP(p.Protocol) != orTCP(&of.Protocol) ||
			p.Port == nil || *p.Port < 1 || *p.Port > 65535 {
			continue
		}
		return uint16(*p.Port), true
	}
	return 0, false
}

// orTCP is the protocol, TCP where none is written.
func orTCP(p *corev1.Protocol) corev1.Protocol {
	if p == nil || *p == "" {
		return corev1.ProtocolTCP
	}
	return *p
}

// endpointAddress parses an address and refuses those that would lead into the
// data-plane pod itself or to its node: loopback, link-local (cloud metadata
// among them), unspecified and multicast.
func endpointAddress(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Addr{}, false
	}
	address = address.Unmap()
	return address, !address.IsLoopback() && !address.IsLinkLocalUnicast() &&
		!address.IsUnspecified() && !address.IsMulticast()
}

func first[T any](all []T) []T { return all[:min(1, len(all))] }
