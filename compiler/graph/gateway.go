package graph

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/diagnostic"
)

// readGateways finds the Gateways of our classes.
func (b *builder) readGateways() {
	for _, source := range b.s.Gateways.All() {
		c, ours := b.classes[string(source.Spec.GatewayClassName)]
		if !ours {
			continue
		}
		c.Used = true
		g := &Gateway{Source: source}
		b.gateways[g.Key()] = g
		b.g.Gateways = append(b.g.Gateways, g)
		b.readGateway(g, c)
	}
}

// readGateway goes through what decides whether a Gateway is accepted; the
// first objection counts.
func (b *builder) readGateway(g *Gateway, c *class) {
	objections := []diagnostic.Diagnostic{}
	objections = append(objections, b.resolveConfig(g, c)...)
	objections = append(objections, readAddresses(g)...)
	b.report("Gateway", g.Source, objections...)
	if g.AddressProblem != nil {
		b.report("Gateway", g.Source, *g.AddressProblem)
	}
	b.readListeners(g)
	b.readBackendCertificate(g)
	b.report("Gateway", g.Source, shimFindings(OwnerOf(g.Source))...)
	b.report("Gateway", g.Source, unknownOptions(OwnerOf(g.Source))...)
	switch {
	case len(objections) > 0:
		g.Accepted = no(objections[0].Reason, sentences(objections))
	default:
		g.Accepted = acceptListeners(g.OwnListeners())
	}
}

// resolveConfig overlays the class's parameters with the Gateway's own.
func (b *builder) resolveConfig(g *Gateway, c *class) []diagnostic.Diagnostic {
	g.Config = overlay(c.config)
	if !c.Accepted.True {
		return []diagnostic.Diagnostic{diagnostic.ClassNotAccepted.At("spec.gatewayClassName",
			fmt.Sprintf("GatewayClass %q is not accepted: %s", c.Source.Name, c.Accepted.Message), "")}
	}
	if g.Source.Spec.Infrastructure == nil || g.Source.Spec.Infrastructure.ParametersRef == nil {
		return nil
	}
	ref := g.Source.Spec.Infrastructure.ParametersRef
	key := types.NamespacedName{Namespace: g.Source.Namespace, Name: ref.Name}
	fault, own := b.parametersFault(string(ref.Group), string(ref.Kind), key)
	if fault != "" {
		return []diagnostic.Diagnostic{diagnostic.InvalidParameters.At("spec.infrastructure.parametersRef", fault, "")}
	}
	g.Config = overlay(c.config, own)
	return nil
}

// readAddresses reads the static addresses. Types other than IPAddress make the
// Gateway unacceptable; addresses that no load balancer can give leave it
// accepted and are an AddressProblem.
func readAddresses(g *Gateway) []diagnostic.Diagnostic {
	var objections []diagnostic.Diagnostic
	families := map[bool]int{}
	for i, a := range g.Source.Spec.Addresses {
		field := fmt.Sprintf("spec.addresses[%d]", i)
		if a.Type != nil && *a.Type != gatewayv1.IPAddressType {
			objections = append(objections, diagnostic.AddressType.At(field+".type",
				fmt.Sprintf("addresses of type %q are not supported", *a.Type), "write an IP address, with type: IPAddress"))
			continue
		}
		if a.Value == "" {
			// The load balancer is to choose, as without spec.addresses.
			continue
		}
		ip, err := netip.ParseAddr(a.Value)
		if err != nil || ip.Zone() != "" {
			g.AddressProblem = new(diagnostic.AddressUnusable.At(field+".value", fmt.Sprintf("%q is no IP address", a.Value), ""))
			continue
		}
		ip = ip.Unmap()
		families[ip.Is4()]++
		g.Addresses = append(g.Addresses, ip.String())
	}
	if g.AddressProblem == nil && (families[true] > 1 || families[false] > 1) {
		g.AddressProblem = new(diagnostic.AddressUnusable.At("spec.addresses",
			"a Service has at most one IPv4 and one IPv6 address, so "+strings.Join(g.Addresses, ", ")+" cannot be had together",
			"leave one address of each family"))
	}
	return append(objections, contradictingAddresses(g)...)
}

// contradictingAddresses finds an annotation for MetalLB that asks for other
// addresses than the Gateway.
func contradictingAddresses(g *Gateway) []diagnostic.Diagnostic {
	if g.Source.Spec.Infrastructure == nil || len(g.Addresses) == 0 {
		return nil
	}
	for _, key := range loadBalancerIPs {
		annotation := string(g.Source.Spec.Infrastructure.Annotations[gatewayv1.AnnotationKey(key)])
		if annotation == "" || sameAddresses(annotation, g.Addresses) {
			continue
		}
		return []diagnostic.Diagnostic{diagnostic.ContradictingAddresses.At(
			fmt.Sprintf("spec.infrastructure.annotations[%s]", key),
			fmt.Sprintf("%q contradicts spec.addresses (%s)", annotation, strings.Join(g.Addresses, ", ")),
			"leave the annotation out, spec.addresses is enough")}
	}
	return nil
}

func sameAddresses(list string, addresses []string) bool {
	var listed []string
	for entry := range strings.SplitSeq(list, ",") {
		ip, err := netip.ParseAddr(strings.TrimSpace(entry))
		if err != nil {
			return false
		}
		listed = append(listed, ip.Unmap().String())
	}
	wanted := slices.Sorted(slices.Values(addresses))
	slices.Sort(listed)
	return slices.Equal(listed, wanted)
}

// acceptListeners sums up the listeners: a Gateway needs one that is accepted.
func acceptListeners(listeners []*Listener) Verdict {
	var refused []string
	for _, l := range listeners {
		if !l.Accepted.True {
			refused = append(refused, fmt.Sprintf("listener %q: %s", l.Source.Name, l.Accepted.Message))
		}
	}
	reason := string(gatewayv1.GatewayReasonListenersNotValid)
	switch {
	case len(refused) == 0:
		return yes(string(gatewayv1.GatewayReasonAccepted), "The Gateway is accepted")
	case len(refused) == len(listeners):
		return no(reason, strings.Join(refused, "; "))
	}
	return yes(reason, "The Gateway is accepted without some of its listeners: "+strings.Join(refused, "; "))
}

// unknownOptions warns of options that have no effect.
func unknownOptions(o ListenerOwner) []diagnostic.Diagnostic {
	var findings []diagnostic.Diagnostic
	for i, l := range o.Listeners {
		if l.TLS != nil && len(l.TLS.Options) > 0 {
			findings = append(findings, diagnostic.UnsupportedGatewayField.At(
				fmt.Sprintf("spec.listeners[%d].tls.options", i), "no options are known, so these have no effect", ""))
		}
	}
	return findings
}

// The annotations of a Gateway with which cert-manager's gateway-shim is asked
// for certificates.
const (
	issuerAnnotation        = "cert-manager.io/issuer"
	clusterIssuerAnnotation = "cert-manager.io/cluster-issuer"
)

// shimFindings warns of what cert-manager's gateway-shim skips with no more
// than an event.
func shimFindings(o ListenerOwner) []diagnostic.Diagnostic {
	if !o.hasIssuer() {
		return nil
	}
	var findings []diagnostic.Diagnostic
	warn := func(c diagnostic.Check, field, message, fix string) {
		findings = append(findings, c.At(field, message, fix))
	}
	if annotations := o.GetAnnotations(); annotations[issuerAnnotation] != "" && annotations[clusterIssuerAnnotation] != "" {
		warn(diagnostic.TwoIssuers, "metadata.annotations", "cert-manager takes an issuer or a cluster issuer, not both",
			"leave out one of "+issuerAnnotation+" and "+clusterIssuerAnnotation)
	}
	for i, l := range o.Listeners {
		if !terminates(&l) {
			continue
		}
		field := fmt.Sprintf("spec.listeners[%d]", i)
		if l.TLS == nil {
			continue
		}
		for j, ref := range l.TLS.CertificateRefs {
			if ref.Namespace != nil && string(*ref.Namespace) != o.GetNamespace() {
				warn(diagnostic.CertificateElsewhere, fmt.Sprintf("%s.tls.certificateRefs[%d].namespace", field, j),
					"cert-manager makes no certificate in another namespace than the "+o.Kind+"'s", "keep the Secret in the "+o.Kind+"'s namespace")
			}
		}
	}
	return findings
}
