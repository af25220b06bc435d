package status_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"
	"sigs.k8s.io/gateway-api/pkg/features"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/compiler/status"
)

var home = types.NamespacedName{Namespace: "infra", Name: "home"}

// cluster is a snapshot with Gateway infra/home, generation 3, whose spec has
// the lines.
func cluster(t *testing.T, spec string) snapshot.Snapshot {
	t.Helper()
	class := &gatewayv1.GatewayClass{}
	class.Name, class.Generation, class.Spec.ControllerName = "gatewright", 7, v1alpha1.ControllerName
	gateway := &gatewayv1.Gateway{}
	gateway.Namespace, gateway.Name, gateway.Generation = home.Namespace, home.Name, 3
	if err := yaml.UnmarshalStrict([]byte("gatewayClassName: gatewright\n"+spec), &gateway.Spec); err != nil {
		t.Fatal(err)
	}
	return snapshot.Snapshot{}.With(class).With(gateway)
}

// addressed is the snapshot with the Gateway's Service at the addresses.
func addressed(s snapshot.Snapshot, addresses ...string) snapshot.Snapshot {
	service := &corev1.Service{}
	service.Namespace, service.Name = "infra", "gatewright-home"
	for _, a := range addresses {
		service.Status.LoadBalancer.Ingress = append(service.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: a})
	}
	return s.With(service)
}

func condition(t *testing.T, all []metav1.Condition, kind string) string {
	t.Helper()
	for _, c := range all {
		if c.Type == kind {
			if !c.LastTransitionTime.IsZero() {
				t.Errorf("%s has a time", kind)
			}
			return fmt.Sprintf("%s %s %d %s", c.Status, c.Reason, c.ObservedGeneration, c.Message)
		}
	}
	return "none"
}

const listenHTTP = "listeners: [{name: http, port: 80, protocol: HTTP}]\n"

func TestWhenAGatewayIsProgrammed(t *testing.T) {
	t.Parallel()
	serving := snapshot.DataPlane{Ready: 1, Generation: 3}
	refused := &bundle.Refusal{Message: "unknown directive"}
	const static = listenHTTP + "addresses: [{value: 10.0.0.9}]\n"
	tests := map[string]struct {
		spec      string
		plane     snapshot.DataPlane
		addresses []string
		// gateway and listener are the beginnings of the Programmed conditions.
		gateway, listener string
	}{
		"it serves and has an address": {
			listenHTTP, serving, []string{"10.0.0.1"}, "True Programmed 3 ", "True Programmed 3 ",
		},
		"no pod serves": {
			listenHTTP, snapshot.DataPlane{}, []string{"10.0.0.1"},
			`False Pending 3 Waiting for a pod of Deployment "gatewright-home"`, "False Pending 3 ",
		},
		"a pod serves an older generation": {
			listenHTTP, snapshot.DataPlane{Ready: 1, Generation: 2}, []string{"10.0.0.1"},
			"False Pending 3 Waiting for nginx to take over this generation", "False Pending 3 ",
		},
		"nginx refused this generation": {
			listenHTTP, snapshot.DataPlane{Ready: 1, Generation: 2, Refused: refused}, []string{"10.0.0.1"},
			"False Invalid 3 nginx refused the configuration: unknown directive", "False Invalid 3 ",
		},
		"nginx refused something newer": {
			listenHTTP, snapshot.DataPlane{Ready: 1, Generation: 3, Refused: refused}, []string{"10.0.0.1"},
			"True Programmed 3 nginx serves the Gateway with the last good configuration, as it refused a newer one: unknown directive", "True Programmed 3 ",
		},
		"it has no address": {
			listenHTTP, serving, nil, "False AddressNotAssigned 3 Waiting for the load balancer", "True Programmed 3 ",
		},
		"the load balancer has none left": {
			listenHTTP, snapshot.DataPlane{Ready: 1, Generation: 3, ServiceEvent: "no available IPs"}, nil,
			`False AddressNotAssigned 3 The load balancer gives Service "gatewright-home" no address: no available IPs`, "True Programmed 3 ",
		},
		"it has the address it asked for": {
			static, serving, []string{"10.0.0.9"}, "True Programmed 3 ", "True Programmed 3 ",
		},
		"an event of the past does not matter then": {
			static, snapshot.DataPlane{Ready: 1, Generation: 3, ServiceEvent: "no available IPs"}, []string{"10.0.0.9"}, "True Programmed 3 ", "True Programmed 3 ",
		},
		"the address it asked for is refused": {
			static, snapshot.DataPlane{ServiceEvent: "10.0.0.9 is not allowed in config"}, nil,
			"False AddressNotUsable 3 The load balancer cannot give", "False Pending 3 ",
		},
		"the address it asked for is pending": {
			static, serving, nil, "False AddressNotAssigned 3 ", "True Programmed 3 ",
		},
		"it has another address than asked for": {
			static, serving, []string{"10.0.0.1"}, "False AddressNotUsable 3 ", "True Programmed 3 ",
		},
		"addresses that cannot be had together": {
			listenHTTP + "addresses: [{value: 10.0.0.1}, {value: 10.0.0.2}]\n", serving, []string{"10.0.0.1"},
			"False AddressNotUsable 3 spec.addresses: a Service has at most one", "True Programmed 3 ",
		},
		"it is not accepted": {
			listenHTTP + "addresses: [{type: Hostname, value: a.b}]\n", serving, []string{"10.0.0.1"},
			"False Invalid 3 The Gateway is not accepted", "False Invalid 3 ",
		},
		"no listener can serve": {
			"listeners: [{name: http, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: gone}]}}]\n", serving, []string{"10.0.0.1"},
			`False Invalid 3 No listener can serve: listener "http": spec.listeners[0].tls.certificateRefs[0]: Secret "gone" not found`, "False Invalid 3 ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := addressed(cluster(t, test.spec), test.addresses...)
			s.DataPlanes = map[types.NamespacedName]snapshot.DataPlane{home: test.plane}
			got := status.Build(graph.Build(s), s).Gateways[0].Status
			if c := condition(t, got.Conditions, "Programmed"); !strings.HasPrefix(c, test.gateway) {
				t.Errorf("Gateway: %s", c)
			}
			if c := condition(t, got.Listeners[0].Conditions, "Programmed"); !strings.HasPrefix(c, test.listener) {
				t.Errorf("listener: %s", c)
			}
		})
	}
}

func TestTheAddressesAreThoseOfTheService(t *testing.T) {
	t.Parallel()
	s := addressed(cluster(t, listenHTTP), "10.0.0.1", "2001:db8::1")
	var got []string
	for _, a := range status.Build(graph.Build(s), s).Gateways[0].Status.Addresses {
		got = append(got, string(*a.Type)+" "+a.Value)
	}
	if diff := cmp.Diff([]string{"IPAddress 10.0.0.1", "IPAddress 2001:db8::1"}, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func TestAListenerTellsItsKindsAndRoutes(t *testing.T) {
	t.Parallel()
	s := cluster(t, "listeners: [{name: http, port: 80, protocol: HTTP}, {name: tcp, port: 81, protocol: HTTP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}]\n")
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name, r.Generation = "infra", "r", 5
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "home"}}
	s = s.With(r)
	out := status.Build(graph.Build(s), s)
	listeners := out.Gateways[0].Status.Listeners
	if len(listeners[0].SupportedKinds) != 2 || listeners[0].SupportedKinds[0].Kind != "HTTPRoute" || listeners[0].AttachedRoutes != 1 {
		t.Errorf("listener %+v", listeners[0])
	}
	// An empty list, not none: the field is required to be there.
	if listeners[1].SupportedKinds == nil || len(listeners[1].SupportedKinds) != 0 || listeners[1].AttachedRoutes != 0 {
		t.Errorf("listener %+v", listeners[1])
	}
	if c := condition(t, listeners[1].Conditions, "ResolvedRefs"); !strings.HasPrefix(c, "False InvalidRouteKinds 3 ") {
		t.Errorf("resolved: %s", c)
	}
	parent := out.Routes[0].Parents[0]
	if parent.ControllerName != v1alpha1.ControllerName || parent.ParentRef.Name != "home" {
		t.Errorf("parent %+v", parent)
	}
	if c := condition(t, parent.Conditions, "Accepted"); !strings.HasPrefix(c, "True Accepted 5 ") {
		t.Errorf("accepted: %s", c)
	}
	if c := condition(t, parent.Conditions, "PartiallyInvalid"); c != "none" {
		t.Errorf("partially invalid: %s", c)
	}
}

func TestPartiallyInvalidIsOnlyThereWhereItIsTrue(t *testing.T) {
	t.Parallel()
	method := gatewayv1.HTTPMethod("get")
	bad := gatewayv1.HTTPRouteRule{Matches: []gatewayv1.HTTPRouteMatch{{Method: &method}}}
	tests := map[string]struct {
		rules    []gatewayv1.HTTPRouteRule
		accepted string
		partial  string
	}{
		"all rules are sound":         {[]gatewayv1.HTTPRouteRule{{}}, "True Accepted", "none"},
		"one rule of two is not":      {[]gatewayv1.HTTPRouteRule{{}, bad}, "True Accepted", "True UnsupportedValue 5 Dropped Rule 1 ("},
		"no Gateway has the hostname": {[]gatewayv1.HTTPRouteRule{{}, bad}, "False NoMatchingListenerHostname", "none"},
		"no rule is sound at all":     {[]gatewayv1.HTTPRouteRule{bad}, "False UnsupportedValue", "none"},
	}
	for name, test := range tests {
		s := cluster(t, "listeners: [{name: http, port: 80, protocol: HTTP, hostname: a.example.com}]\n")
		r := &gatewayv1.HTTPRoute{}
		if strings.Contains(test.accepted, "Hostname") {
			r.Spec.Hostnames = []gatewayv1.Hostname{"b.example.com"}
		}
		r.Namespace, r.Name, r.Generation = "infra", "r", 5
		r.Spec.ParentRefs, r.Spec.Rules = []gatewayv1.ParentReference{{Name: "home"}}, test.rules
		s = s.With(r)
		conditions := status.Build(graph.Build(s), s).Routes[0].Parents[0].Conditions
		if c := condition(t, conditions, "Accepted"); !strings.HasPrefix(c, test.accepted) {
			t.Errorf("%s: accepted %s", name, c)
		}
		if c := condition(t, conditions, "PartiallyInvalid"); !strings.HasPrefix(c, test.partial) {
			t.Errorf("%s: partially invalid %s", name, c)
		}
	}
}

func TestAClassPromisesKnownFeaturesInOrder(t *testing.T) {
	t.Parallel()
	s := cluster(t, listenHTTP)
	class := status.Build(graph.Build(s), s).Classes[0]
	if !class.Used || class.Name != "gatewright" {
		t.Errorf("class %+v", class)
	}
	for _, kind := range []string{"Accepted", "SupportedVersion"} {
		if c := condition(t, class.Status.Conditions, kind); !strings.HasPrefix(c, "True "+kind+" 7 ") {
			t.Errorf("%s: %s", kind, c)
		}
	}
	var names []string
	for _, f := range class.Status.SupportedFeatures {
		names = append(names, string(f.Name))
		if !features.AllFeatures.Has(features.GetFeature(features.FeatureName(f.Name))) {
			t.Errorf("feature %s is not known", f.Name)
		}
	}
	if !slices.IsSorted(names) || len(names) == 0 || len(names) > 64 || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("features %v", names)
	}
	alone := s.Without(&gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "home"}})
	if status.Build(graph.Build(alone), alone).Classes[0].Used {
		t.Error("a class without Gateways is used")
	}
}

func TestAClassSaysWhetherItKnowsTheInstalledVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		installed *snapshot.GatewayAPI
		supported string
		retries   bool
	}{
		"nobody knows":              {nil, "True SupportedVersion", false},
		"the version of its module": {&snapshot.GatewayAPI{Version: consts.BundleVersion, Channel: "standard"}, "True SupportedVersion", false},
		"with experimental fields":  {&snapshot.GatewayAPI{Version: "v1.6.0", Channel: "experimental"}, "True SupportedVersion", true},
		"an older one":              {&snapshot.GatewayAPI{Version: "v1.5.1", Channel: "standard"}, "False UnsupportedVersion", false},
		"one that begins alike":     {&snapshot.GatewayAPI{Version: "v1.60.0", Channel: "standard"}, "False UnsupportedVersion", false},
		"one that does not say":     {&snapshot.GatewayAPI{}, "False UnsupportedVersion", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cluster(t, listenHTTP)
			s.GatewayAPI = test.installed
			class := status.Build(graph.Build(s), s).Classes[0]
			if c := condition(t, class.Status.Conditions, "SupportedVersion"); !strings.HasPrefix(c, test.supported) {
				t.Errorf("supported version: %s, want %s", c, test.supported)
			}
			if c := condition(t, class.Status.Conditions, "Accepted"); !strings.HasPrefix(c, "True") {
				t.Errorf("accepted: %s", c)
			}
			if got := slices.Contains(class.Status.SupportedFeatures, gatewayv1.SupportedFeature{Name: "HTTPRouteRetry"}); got != test.retries {
				t.Errorf("promises retries: %v, want %v", got, test.retries)
			}
		})
	}
}

func TestAPolicysAncestorsAreGatewaysOrTheMissingRoute(t *testing.T) {
	t.Parallel()
	s := cluster(t, listenHTTP)
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name = "infra", "r"
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "home"}}
	p := &v1alpha1.WebSocketPolicy{}
	p.Namespace, p.Name, p.Generation = "infra", "p", 2
	for _, name := range []gatewayv1.ObjectName{"r", "gone"} {
		ref := gatewayv1.LocalPolicyTargetReferenceWithSectionName{}
		ref.Group, ref.Kind, ref.Name = gatewayv1.GroupName, "HTTPRoute", name
		p.Spec.TargetRefs = append(p.Spec.TargetRefs, ref)
	}
	s = s.With(r).With(p)
	var got []string
	for _, a := range status.Build(graph.Build(s), s).Policies[0].Ancestors {
		got = append(got, fmt.Sprintf("%s %s/%s %.19s", *a.AncestorRef.Kind, *a.AncestorRef.Namespace, a.AncestorRef.Name, condition(t, a.Conditions, "Accepted")))
	}
	want := []string{"Gateway infra/home True Accepted 2 The", "HTTPRoute infra/gone False TargetNotFoun"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ancestors (-want +got):\n%s", diff)
	}
}
