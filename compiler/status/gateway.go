package status

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// observed is a Gateway with what its data plane and its Service say.
type observed struct {
	*graph.Gateway
	plane snapshot.DataPlane
	// service is the name of its Service.
	service   string
	addresses []gatewayv1.GatewayStatusAddress
}

func gateway(g *graph.Gateway, s snapshot.Snapshot) Gateway {
	o := observe(g, s)
	out := Gateway{Key: g.Key(), Status: gatewayv1.GatewayStatus{
		Addresses: o.addresses,
		Conditions: []metav1.Condition{
			condition(string(gatewayv1.GatewayConditionAccepted), g.Accepted, g.Source.Generation),
			condition(string(gatewayv1.GatewayConditionProgrammed), o.programmed(), g.Source.Generation),
		},
	}}
	if g.ResolvedRefs.Reason != "" {
		out.Status.Conditions = append(out.Status.Conditions, condition(
			string(gatewayv1.GatewayConditionResolvedRefs), g.ResolvedRefs, g.Source.Generation))
	}
	if g.InsecureFallback() {
		out.Status.Conditions = append(out.Status.Conditions, condition(
			string(gatewayv1.GatewayConditionInsecureFrontendValidationMode), insecureFallback, g.Source.Generation))
	}
	if attached := g.AttachedListenerSets(); len(g.ListenerSets) > 0 {
		out.Status.AttachedListenerSets = &attached
	}
	for _, l := range g.OwnListeners() {
		out.Status.Listeners = append(out.Status.Listeners, o.listener(l))
	}
	return out
}

func observe(g *graph.Gateway, s snapshot.Snapshot) observed {
	o := observed{Gateway: g, plane: s.DataPlanes[g.Key()], service: infra.Name(g.Key())}
	if g.Accepted.True {
		o.addresses = addresses(s, g.Source.Namespace, o.service)
	}
	return o
}

// insecureFallback stands only for as long as a validation has that mode.
var insecureFallback = graph.Verdict{
	True: true, Reason: string(gatewayv1.GatewayReasonConfigurationChanged),
	Message: "Clients are let in with any certificate, or none: write mode: AllowValidOnly to let in none but those with a valid one",
}

// addresses are those that the load balancer gave the Service.
func addresses(s snapshot.Snapshot, namespace, name string) []gatewayv1.GatewayStatusAddress {
	service, ok := s.Services.Get(namespace, name)
	if !ok {
		return nil
	}
	var all []gatewayv1.GatewayStatusAddress
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		kind, value := gatewayv1.IPAddressType, ingress.IP
		if value == "" {
			kind, value = gatewayv1.HostnameAddressType, ingress.Hostname
		}
		if value != "" {
			all = append(all, gatewayv1.GatewayStatusAddress{Type: &kind, Value: value})
		}
	}
	return all
}

// programmed asks, one after the other, for all that it takes until clients can
// connect; the first that is missing is told.
func (o observed) programmed() graph.Verdict {
	for _, missing := range []func() (gatewayv1.GatewayConditionReason, string){
		o.missingConfiguration, o.unusableAddress, o.missingPods, o.missingAddress,
	} {
		if reason, message := missing(); reason != "" {
			return graph.Verdict{Reason: string(reason), Message: message}
		}
	}
	message := "nginx serves the Gateway"
	if o.plane.Refused != nil {
		message = "nginx serves the Gateway with the last good configuration, as it refused a newer one: " + o.plane.Refused.Message
	}
	return graph.Verdict{True: true, Reason: string(gatewayv1.GatewayReasonProgrammed), Message: message}
}

func (o observed) missingConfiguration() (gatewayv1.GatewayConditionReason, string) {
	if !o.Accepted.True {
		return gatewayv1.GatewayReasonInvalid, "The Gateway is not accepted: " + o.Accepted.Message
	}
	if slices.ContainsFunc(o.Listeners, (*graph.Listener).Serves) {
		return "", ""
	}
	var why []string
	for _, l := range o.OwnListeners() {
		why = append(why, fmt.Sprintf("listener %q: %s", l.Source.Name, obstacle(l)))
	}
	return gatewayv1.GatewayReasonInvalid, "No listener can serve: " + strings.Join(why, "; ")
}

// unusableAddress tells why the addresses asked for cannot be had.
func (o observed) unusableAddress() (gatewayv1.GatewayConditionReason, string) {
	switch {
	case o.AddressProblem != nil:
		return gatewayv1.GatewayReasonAddressNotUsable, o.AddressProblem.String()
	case len(o.Gateway.Addresses) == 0 || o.hasAll():
		return "", ""
	case o.plane.ServiceEvent != "":
		return gatewayv1.GatewayReasonAddressNotUsable, fmt.Sprintf(
			"The load balancer cannot give Service %q the address %s: %s",
			o.service, strings.Join(o.Gateway.Addresses, ", "), o.plane.ServiceEvent)
	case len(o.addresses) > 0:
		return gatewayv1.GatewayReasonAddressNotUsable, fmt.Sprintf(
			"The load balancer gave Service %q other addresses than %s: is one of them used elsewhere, or in no pool?",
			o.service, strings.Join(o.Gateway.Addresses, ", "))
	}
	return "", ""
}

// hasAll says whether the Service has all addresses that the Gateway asks for.
func (o observed) hasAll() bool {
	for _, wanted := range o.Gateway.Addresses {
		if !slices.ContainsFunc(o.addresses, func(a gatewayv1.GatewayStatusAddress) bool {
			ip, err := netip.ParseAddr(a.Value)
			return err == nil && ip.Unmap().String() == wanted
		}) {
			return false
		}
	}
	return true
}

// missingPods tells why no pod serves this generation of the Gateway.
func (o observed) missingPods() (gatewayv1.GatewayConditionReason, string) {
	switch {
	case o.plane.Ready > 0 && o.plane.Generation >= o.Source.Generation:
		return "", ""
	case o.plane.Refused != nil:
		return gatewayv1.GatewayReasonInvalid, "nginx refused the configuration: " + o.plane.Refused.Message
	case o.plane.Ready == 0:
		return gatewayv1.GatewayReasonPending, fmt.Sprintf(
			"Waiting for a pod of Deployment %q to serve: kubectl -n %s get pods -l %s=%s", o.service,
			o.Source.Namespace, gatewayv1.GatewayNameLabelKey, infra.PodLabels(o.Key())[gatewayv1.GatewayNameLabelKey])
	}
	return gatewayv1.GatewayReasonPending, "Waiting for nginx to take over this generation of the Gateway"
}

func (o observed) missingAddress() (gatewayv1.GatewayConditionReason, string) {
	switch {
	case len(o.addresses) > 0:
		return "", ""
	case o.plane.ServiceEvent != "":
		return gatewayv1.GatewayReasonAddressNotAssigned, fmt.Sprintf(
			"The load balancer gives Service %q no address: %s", o.service, o.plane.ServiceEvent)
	}
	return gatewayv1.GatewayReasonAddressNotAssigned, fmt.Sprintf(
		"Waiting for the load balancer to give Service %q an address: is MetalLB installed, with an IPAddressPool?", o.service)
}
