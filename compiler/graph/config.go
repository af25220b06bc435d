package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// The defaults of a GatewayConfig.
const (
	defaultReplicas         = 1
	defaultDrainTimeout     = 24 * time.Hour
	defaultTerminationGrace = 5 * time.Minute
	// shortestTerminationGrace leaves nginx some time after the pod has left
	// the load balancer.
	shortestTerminationGrace = 15 * time.Second
)

// The annotations with which MetalLB is asked for addresses; the second is the
// name that it had before v0.13.
var loadBalancerIPs = []string{"metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"}

// checkedConfig is a GatewayConfig and what is wrong with it.
type checkedConfig struct {
	source *v1alpha1.GatewayConfig
	faults []diagnostic.Diagnostic
}

// readConfigs checks all GatewayConfigs, used or not.
func (b *builder) readConfigs() {
	b.configs = map[types.NamespacedName]checkedConfig{}
	for _, c := range b.s.GatewayConfigs.All() {
		faults := configFaults(&c.Spec)
		b.report("GatewayConfig", c, faults...)
		b.configs[snapshot.KeyOf(c)] = checkedConfig{source: c, faults: faults}
	}
}

// configFaults are values with which no data plane could be deployed.
func configFaults(spec *v1alpha1.GatewayConfigSpec) []diagnostic.Diagnostic {
	var faults []diagnostic.Diagnostic
	for _, check := range []func(*v1alpha1.GatewayConfigSpec) []diagnostic.Diagnostic{
		drainTimeoutFaults, terminationGraceFaults, resourceFaults, serviceFaults, redirectFaults,
	} {
		faults = append(faults, check(spec)...)
	}
	return faults
}

func drainTimeoutFaults(spec *v1alpha1.GatewayConfigSpec) []diagnostic.Diagnostic {
	if spec.DrainTimeout == nil {
		return nil
	}
	if _, err := time.ParseDuration(string(*spec.DrainTimeout)); err != nil {
		return []diagnostic.Diagnostic{badDuration("spec.drainTimeout", *spec.DrainTimeout)}
	}
	return nil
}

func terminationGraceFaults(spec *v1alpha1.GatewayConfigSpec) []diagnostic.Diagnostic {
	const field = "spec.terminationGracePeriod"
	if spec.TerminationGracePeriod == nil {
		return nil
	}
	d, err := time.ParseDuration(string(*spec.TerminationGracePeriod))
	switch {
	case err != nil:
		return []diagnostic.Diagnostic{badDuration(field, *spec.TerminationGracePeriod)}
	case d < shortestTerminationGrace:
		return []diagnostic.Diagnostic{diagnostic.GracePeriodTooShort.At(field,
			fmt.Sprintf("%s is too short for a pod to leave the load balancer before it stops", *spec.TerminationGracePeriod),
			fmt.Sprintf("write %s or more", shortestTerminationGrace))}
	}
	return nil
}

func badDuration(field string, d gatewayv1.Duration) diagnostic.Diagnostic {
	return diagnostic.InvalidDuration.At(field, fmt.Sprintf("%q is no duration", d), "write 90s, 5m or 1h30m for example")
}

// resourceFaults finds requests above limits, which the API server would refuse
// in the Deployment's pods.
func resourceFaults(spec *v1alpha1.GatewayConfigSpec) []diagnostic.Diagnostic {
	if spec.Resources == nil {
		return nil
	}
	var faults []diagnostic.Diagnostic
	for _, name := range slices.Sorted(maps.Keys(spec.Resources.Requests)) {
		request := spec.Resources.Requests[name]
		limit, limited := spec.Resources.Limits[name]
		if limited && request.Cmp(limit) > 0 {
			faults = append(faults, diagnostic.RequestAboveLimit.At(
				fmt.Sprintf("spec.resources.requests[%s]", name),
				fmt.Sprintf("%s is more than the limit %s", request.String(), limit.String()), ""))
		}
	}
	return faults
}

// serviceFaults finds annotations that would take addresses from all Gateways
// but one.
func serviceFaults(spec *v1alpha1.GatewayConfigSpec) []diagnostic.Diagnostic {
	if spec.Service == nil {
		return nil
	}
	var faults []diagnostic.Diagnostic
	for _, key := range loadBalancerIPs {
		if spec.Service.Annotations[key] != "" {
			faults = append(faults, diagnostic.SharedAddress.At(
				fmt.Sprintf("spec.service.annotations[%s]", key),
				"addresses belong to one Gateway", "write them into that Gateway's spec.addresses"))
		}
	}
	return faults
}

// overlay returns the configuration that results from the given ones, of which
// later ones win field by field, and the defaults.
func overlay(configs ...*v1alpha1.GatewayConfig) Config {
	var spec v1alpha1.GatewayConfigSpec
	service := &v1alpha1.ServiceConfig{}
	for _, c := range configs {
		if c == nil {
			continue
		}
		spec.Replicas = last(spec.Replicas, c.Spec.Replicas)
		spec.Resources = last(spec.Resources, c.Spec.Resources)
		spec.DrainTimeout = last(spec.DrainTimeout, c.Spec.DrainTimeout)
		spec.TerminationGracePeriod = last(spec.TerminationGracePeriod, c.Spec.TerminationGracePeriod)
		spec.HTTPSRedirect = last(spec.HTTPSRedirect, c.Spec.HTTPSRedirect)
		if s := c.Spec.Certificates; s != nil && s.IssuerRef != nil {
			spec.Certificates = s
		}
		if s := c.Spec.Service; s != nil {
			service.ExternalTrafficPolicy = last(service.ExternalTrafficPolicy, s.ExternalTrafficPolicy)
			service.LoadBalancerClass = last(service.LoadBalancerClass, s.LoadBalancerClass)
			annotations := maps.Clone(service.Annotations)
			if annotations == nil {
				annotations = map[string]string{}
			}
			maps.Copy(annotations, s.Annotations)
			service.Annotations = annotations
		}
	}
	spec.Service = service
	return withDefaults(spec)
}

func withDefaults(spec v1alpha1.GatewayConfigSpec) Config {
	replicas, local := int32(defaultReplicas), corev1.ServiceExternalTrafficPolicyLocal
	drain, grace := gatewayv1.Duration("24h"), gatewayv1.Duration("5m")
	spec.Replicas = last(&replicas, spec.Replicas)
	spec.DrainTimeout = last(&drain, spec.DrainTimeout)
	spec.TerminationGracePeriod = last(&grace, spec.TerminationGracePeriod)
	spec.Service.ExternalTrafficPolicy = last(&local, spec.Service.ExternalTrafficPolicy)
	if spec.Resources == nil {
		spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("10m"),
			corev1.ResourceMemory: resource.MustParse("48Mi"),
		}}
	}
	return Config{
		Spec:                   spec,
		Replicas:               *spec.Replicas,
		DrainTimeout:           duration(*spec.DrainTimeout, defaultDrainTimeout),
		TerminationGracePeriod: duration(*spec.TerminationGracePeriod, defaultTerminationGrace),
	}
}

// duration parses what configFaults has let through.
func duration(d gatewayv1.Duration, otherwise time.Duration) time.Duration {
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return otherwise
	}
	return parsed
}

func last[T any](earlier, later *T) *T {
	if later != nil {
		return later
	}
	return earlier
}

// parametersFault says why a parametersRef cannot serve; the second result is
// the configuration where it can.
func (b *builder) parametersFault(group, kind string, key types.NamespacedName) (string, *v1alpha1.GatewayConfig) {
	if group != v1alpha1.GroupVersion.Group || kind != "GatewayConfig" {
		return fmt.Sprintf("%s %s is no kind of parameters: write group: %s, kind: GatewayConfig",
			strings.TrimPrefix(group+"/", "/"), kind, v1alpha1.GroupVersion.Group), nil
	}
	c, ok := b.configs[key]
	if !ok {
		return fmt.Sprintf("GatewayConfig %q not found in namespace %q", key.Name, key.Namespace), nil
	}
	for _, f := range c.faults {
		if f.Severity == diagnostic.Deny {
			return fmt.Sprintf("GatewayConfig %s/%s is invalid: %s", key.Namespace, key.Name, sentences(c.faults)), nil
		}
	}
	return "", c.source
}
