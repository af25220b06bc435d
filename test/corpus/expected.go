package corpus

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/status"
)

// section is an expected section of a case.
type section struct {
	name string
	text string
	// topic is what "shows:" calls it.
	topic string
	// onRequest says that only cases that have the section already show it.
	onRequest bool
}

// sectionsOf words a result. Empty sections are left out.
func sectionsOf(r compiler.Result) ([]section, error) {
	var sections []section
	endpoints, hops := map[string]map[string][]string{}, map[string]shortHop{}
	objects := map[string][]any{}
	for _, g := range r.Gateways {
		for _, f := range g.Bundle.Files {
			sections = append(sections, section{
				name: "nginx/" + g.Key.String() + "/" + f.Path, text: string(f.Data),
				topic: "nginx", onRequest: f.Path != "servers.conf" && f.Path != "streams.conf",
			})
		}
		endpoints[g.Key.String()] = endpointsOf(g.Bundle.Upstreams)
		if len(g.Bundle.Hop.Rules) > 0 {
			hops[g.Key.String()] = shortHop{g.Bundle.Hop.Rules, endpointsOf(g.Bundle.Hop.Upstreams)}
		}
		for _, o := range g.Objects {
			objects[g.Key.String()] = append(objects[g.Key.String()], o)
		}
	}
	var lines strings.Builder
	for _, d := range r.Diagnostics {
		fmt.Fprintf(&lines, "%s %s: %s (%s)\n    %s\n", d.Severity, d.Check, d.Object, d.Reason, d)
	}
	sections = append(sections, section{name: "diagnostics.txt", text: lines.String(), topic: "diagnostics"})
	for _, s := range []struct {
		section
		value any
		empty bool
	}{
		{section{name: "endpoints.yaml", topic: "endpoints"}, endpoints, len(endpoints) == 0},
		{section{name: "hop.yaml", topic: "hop"}, hops, len(hops) == 0},
		{section{name: "status.yaml", topic: "status"}, statusOf(r.Statuses), false},
		{section{name: "objects.yaml", topic: "objects", onRequest: true}, objects, len(objects) == 0},
		{section{name: "policies.yaml", topic: "policies", onRequest: true}, r.Policies, len(r.Policies) == 0},
		{section{name: "certificates.yaml", topic: "certificates", onRequest: true}, certificatesOf(r), false},
	} {
		if !s.empty {
			text, err := yamlOf(s.value)
			if err != nil {
				return nil, err
			}
			s.text = text
			sections = append(sections, s.section)
		}
	}
	return slices.DeleteFunc(sections, func(s section) bool { return s.text == "" }), nil
}

// yamlOf prints the value without what is null, as API servers leave it out.
func yamlOf(value any) (string, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("print: %w", err)
	}
	var plain any
	if err := json.Unmarshal(encoded, &plain); err != nil {
		return "", fmt.Errorf("print: %w", err)
	}
	text, err := yaml.Marshal(withoutNull(plain))
	return string(text), err
}

func withoutNull(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			inner = withoutNull(inner)
			if m, isMap := inner.(map[string]any); inner == nil || isMap && len(m) == 0 {
				delete(v, key)
				continue
			}
			v[key] = inner
		}
	case []any:
		for i := range v {
			v[i] = withoutNull(v[i])
		}
	}
	return value
}

// certificatesOf are the Certificates that the operator makes, and those that it
// leaves to cert-manager's gateway-shim for now.
func certificatesOf(r compiler.Result) map[string]any {
	out := map[string]any{}
	for _, c := range r.Certificates {
		out[c.Namespace+"/"+c.Name] = c
	}
	for _, key := range r.Awaited {
		out[key.String()] = "awaited from the gateway-shim"
	}
	return out
}

// shortHop is what a hop does.
type shortHop struct {
	Rules     []bundle.HopRule    `json:"rules"`
	Endpoints map[string][]string `json:"endpoints"`
}

func endpointsOf(upstreams []bundle.Upstream) map[string][]string {
	out := map[string][]string{}
	for _, u := range upstreams {
		for _, e := range u.Endpoints {
			out[u.ID] = append(out[u.ID], fmt.Sprintf("%s port %d weight %d", e.Address, e.Port, e.Weight))
		}
	}
	return out
}

// The statuses, shortened: a condition is a line.
type (
	shortStatus map[string]any

	shortListener struct {
		Conditions     []string `json:"conditions"`
		AttachedRoutes int32    `json:"attachedRoutes"`
		SupportedKinds []string `json:"supportedKinds"`
	}
	shortGateway struct {
		Conditions []string                         `json:"conditions"`
		Addresses  []gatewayv1.GatewayStatusAddress `json:"addresses,omitempty"`
		Listeners  map[string]shortListener         `json:"listeners,omitempty"`
		// Sets is attachedListenerSets.
		Sets *int32 `json:"attachedListenerSets,omitempty"`
	}
	shortListenerSet struct {
		Conditions []string                 `json:"conditions"`
		Listeners  map[string]shortListener `json:"listeners,omitempty"`
	}
)

func statusOf(s status.Statuses) shortStatus {
	out := shortStatus{}
	for _, c := range s.Classes {
		out["GatewayClass "+c.Name] = conditionLines(c.Status.Conditions)
	}
	for _, g := range s.Gateways {
		short := shortGateway{
			Conditions: conditionLines(g.Status.Conditions),
			Addresses:  g.Status.Addresses,
			Listeners:  map[string]shortListener{},
			Sets:       g.Status.AttachedListenerSets,
		}
		for _, l := range g.Status.Listeners {
			short.Listeners[string(l.Name)] = shortenListener(gatewayv1.ListenerEntryStatus(l))
		}
		out["Gateway "+g.Key.String()] = short
	}
	for _, set := range s.ListenerSets {
		short := shortListenerSet{Conditions: conditionLines(set.Status.Conditions), Listeners: map[string]shortListener{}}
		for _, l := range set.Status.Listeners {
			short.Listeners[string(l.Name)] = shortenListener(l)
		}
		out["ListenerSet "+set.Key.String()] = short
	}
	for _, r := range s.Routes {
		out[r.Key.String()] = parentLines(r.Key.NamespacedName, r.Parents)
	}
	for _, p := range s.Policies {
		ancestors := map[string][]string{}
		for _, a := range p.Ancestors {
			ancestors[parentName(p.Key, a.AncestorRef)] = conditionLines(a.Conditions)
		}
		out["WebSocketPolicy "+p.Key.String()] = ancestors
	}
	for _, p := range s.BackendTLSPolicies {
		ancestors := map[string][]string{}
		for _, a := range p.Ancestors {
			ancestors[parentName(p.Key, a.AncestorRef)] = conditionLines(a.Conditions)
		}
		out["BackendTLSPolicy "+p.Key.String()] = ancestors
	}
	return out
}

func shortenListener(l gatewayv1.ListenerEntryStatus) shortListener {
	short := shortListener{Conditions: conditionLines(l.Conditions), AttachedRoutes: l.AttachedRoutes}
	for _, k := range l.SupportedKinds {
		short.SupportedKinds = append(short.SupportedKinds, string(k.Kind))
	}
	return short
}

func parentLines(route types.NamespacedName, parents []gatewayv1.RouteParentStatus) map[string][]string {
	out := map[string][]string{}
	for _, p := range parents {
		out[parentName(route, p.ParentRef)] = conditionLines(p.Conditions)
	}
	return out
}

// parentName is "namespace/name", with "#section" and ":port" where given, and
// with the kind before it where it is not a Gateway.
func parentName(child types.NamespacedName, ref gatewayv1.ParentReference) string {
	name := child.Namespace
	if ref.Namespace != nil {
		name = string(*ref.Namespace)
	}
	name += "/" + string(ref.Name)
	if ref.Kind != nil && *ref.Kind == "ListenerSet" {
		name = "ListenerSet " + name
	}
	if ref.SectionName != nil {
		name += "#" + string(*ref.SectionName)
	}
	if ref.Port != nil {
		name += fmt.Sprintf(":%d", *ref.Port)
	}
	return name
}

// conditionLines are "Type=Status Reason (generation): message".
func conditionLines(conditions []metav1.Condition) []string {
	lines := make([]string, 0, len(conditions))
	for _, c := range conditions {
		line := fmt.Sprintf("%s=%s %s (%d)", c.Type, c.Status, c.Reason, c.ObservedGeneration)
		if c.Message != "" {
			line += ": " + c.Message
		}
		lines = append(lines, line)
	}
	return lines
}
