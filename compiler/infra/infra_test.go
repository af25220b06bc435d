package infra_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/graph"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// gatewayOf builds the Gateway infra/home whose spec has the lines, with a
// GatewayConfig "own" beside it.
func gatewayOf(t *testing.T, spec, config string) *graph.Gateway {
	t.Helper()
	class := &gatewayv1.GatewayClass{}
	class.Name, class.Spec.ControllerName = "gatewright", v1alpha1.ControllerName
	gateway, own := &gatewayv1.Gateway{}, &v1alpha1.GatewayConfig{}
	gateway.Namespace, gateway.Name, gateway.UID = "infra", "home", "u-1"
	own.Namespace, own.Name = "infra", "own"
	for text, into := range map[string]any{"gatewayClassName: gatewright\n" + spec: &gateway.Spec, config: &own.Spec} {
		if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	g := graph.Build(snapshot.Snapshot{}.With(class).With(gateway).With(own))
	if !g.Gateways[0].Accepted.True {
		t.Fatalf("not accepted: %+v", g.Gateways[0].Accepted)
	}
	return g.Gateways[0]
}

const (
	listenHTTP = "listeners: [{name: http, port: 80, protocol: HTTP}]\n"
	ownConfig  = "infrastructure: {parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: own}}\n"
)

func find[T infra.Object](t *testing.T, objects []infra.Object) (found T) {
	t.Helper()
	i := slices.IndexFunc(objects, func(o infra.Object) bool {
		typed, ok := o.(T)
		found = typed
		return ok
	})
	if i < 0 {
		t.Fatal("no such object")
	}
	return found
}

func TestAllObjectsBelongToTheGatewayAndCarryItsInfrastructure(t *testing.T) {
	t.Parallel()
	g := gatewayOf(t, listenHTTP+"infrastructure: {labels: {team: home, app.kubernetes.io/managed-by: me}, annotations: {note: x}}\n", "")
	objects := infra.Build(g, infra.Options{Image: "image"})
	kinds := []string{}
	for _, o := range objects {
		kinds = append(kinds, o.GetObjectKind().GroupVersionKind().Kind)
		owners := o.GetOwnerReferences()
		if len(owners) != 1 || owners[0].Kind != "Gateway" || owners[0].Name != "home" || owners[0].UID != "u-1" || !*owners[0].Controller {
			t.Errorf("owners %+v", owners)
		}
		if o.GetNamespace() != "infra" || o.GetName() != "gatewright-home" {
			t.Errorf("%s/%s", o.GetNamespace(), o.GetName())
		}
		want := map[string]string{
			"team": "home", "app.kubernetes.io/managed-by": "gatewright", "app.kubernetes.io/name": "gatewright-nginx",
			"gateway.networking.k8s.io/gateway-name": "home",
		}
		if diff := cmp.Diff(want, o.GetLabels()); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		if o.GetAnnotations()["note"] != "x" {
			t.Errorf("annotations %v", o.GetAnnotations())
		}
	}
	if diff := cmp.Diff([]string{"ServiceAccount", "Deployment", "Service"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	pod := find[*appsv1.Deployment](t, objects).Spec.Template
	if pod.Labels["team"] != "home" || pod.Annotations["note"] != "x" {
		t.Errorf("pod %+v", pod.ObjectMeta)
	}
}

func TestThePodHasNoRights(t *testing.T) {
	t.Parallel()
	objects := infra.Build(gatewayOf(t, listenHTTP, ""), infra.Options{Image: "image"})
	account := find[*corev1.ServiceAccount](t, objects)
	pod := find[*appsv1.Deployment](t, objects).Spec.Template.Spec
	if *account.AutomountServiceAccountToken || *pod.AutomountServiceAccountToken {
		t.Error("there is a token in the pod")
	}
	container := pod.Containers[0].SecurityContext
	if !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault ||
		*container.AllowPrivilegeEscalation || !*container.ReadOnlyRootFilesystem ||
		!slices.Equal(container.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(container.Capabilities.Add) > 0 {
		t.Errorf("pod %+v, container %+v", pod.SecurityContext, container)
	}
	var secrets []string
	for _, v := range pod.Volumes {
		switch {
		case v.Secret != nil:
			secrets = append(secrets, v.Secret.SecretName)
		case v.EmptyDir == nil:
			t.Errorf("volume %+v", v)
		}
	}
	want := []string{"gatewright-home-identity", "gatewright-home-bundle"}
	if diff := cmp.Diff(want, secrets); diff != "" {
		t.Errorf("Secrets in the pod (-want +got):\n%s", diff)
	}
}

// A change of listeners must not replace pods: it would cut their connections.
func TestListenersAndAddressesLeaveThePodsAlone(t *testing.T) {
	t.Parallel()
	template := func(spec string) corev1.PodTemplateSpec {
		return find[*appsv1.Deployment](t, infra.Build(gatewayOf(t, spec, ""), infra.Options{Image: "image"})).Spec.Template
	}
	other := "listeners: [{name: a, port: 8080, protocol: HTTP, hostname: a.example.com}]\naddresses: [{value: 10.0.0.1}]\n"
	if diff := cmp.Diff(template(listenHTTP), template(other)); diff != "" {
		t.Errorf("pod template (-before +after):\n%s", diff)
	}
}

// Policies say how long connections are to live on, and come and go.
func TestDrainTimesLeaveThePodsAlone(t *testing.T) {
	t.Parallel()
	template := func(grace string) corev1.PodTemplateSpec {
		g := gatewayOf(t, listenHTTP+ownConfig, "terminationGracePeriod: "+grace+"\n")
		return find[*appsv1.Deployment](t, infra.Build(g, infra.Options{Image: "image"})).Spec.Template
	}
	if diff := cmp.Diff(template("1m"), template("1h")); diff != "" {
		t.Errorf("pod template (-before +after):\n%s", diff)
	}
}

func TestTheDeploymentFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	g := gatewayOf(t, listenHTTP+ownConfig, "replicas: 3\nterminationGracePeriod: 2h\nresources: {limits: {memory: 256Mi}}\n")
	d := find[*appsv1.Deployment](t, infra.Build(g, infra.Options{Image: "image", ImagePullPolicy: "Always"}))
	pod, container := d.Spec.Template.Spec, d.Spec.Template.Spec.Containers[0]
	if *d.Spec.Replicas != 3 || *pod.TerminationGracePeriodSeconds != 7200 {
		t.Errorf("%d replicas, grace %d", *d.Spec.Replicas, *pod.TerminationGracePeriodSeconds)
	}
	if want := []corev1.EnvVar{{Name: "GATEWRIGHT_GRACE_SECONDS", Value: "7195"}}; !cmp.Equal(want, container.Env) {
		t.Errorf("environment %v", container.Env)
	}
	if container.Image != "image" || container.ImagePullPolicy != "Always" || container.Resources.Limits.Memory().String() != "256Mi" {
		t.Errorf("container %+v", container)
	}
	// The new pod is there before the old one goes.
	if r := d.Spec.Strategy.RollingUpdate; r.MaxSurge.IntValue() != 1 || r.MaxUnavailable.IntValue() != 0 {
		t.Errorf("strategy %+v", r)
	}
	for key, value := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[key] != value {
			t.Errorf("the Deployment does not select its pods by %s", key)
		}
	}
}

func TestTheServiceAsksForWhatTheGatewayAsksFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec, config string
		ports        []string
		ips          string
		policy       corev1.IPFamilyPolicy
		families     []corev1.IPFamily
		traffic      corev1.ServiceExternalTrafficPolicy
	}{
		"one port for several listeners": {
			spec:  "listeners: [{name: b, port: 8080, protocol: HTTP}, {name: a, port: 80, protocol: HTTP, hostname: a.b}, {name: c, port: 80, protocol: HTTP}, {name: d, port: 53, protocol: SCTP}]\n",
			ports: []string{"80/TCP", "8080/TCP"}, policy: "PreferDualStack", traffic: "Local",
		},
		"one number for connections and datagrams": {
			spec:  "listeners: [{name: a, port: 53, protocol: UDP}, {name: b, port: 53, protocol: TCP}]\n",
			ports: []string{"53/TCP", "53/UDP"}, policy: "PreferDualStack", traffic: "Local",
		},
		"a port whose certificate is yet to come": {
			spec:  "listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: gone}]}}]\n",
			ports: []string{"443/TCP"}, policy: "PreferDualStack", traffic: "Local",
		},
		"one address": {
			spec: listenHTTP + "addresses: [{value: 10.0.0.1}]\n", ports: []string{"80/TCP"},
			ips: "10.0.0.1", policy: "SingleStack", families: []corev1.IPFamily{"IPv4"}, traffic: "Local",
		},
		"one address of either family, and another policy": {
			spec: listenHTTP + ownConfig + "addresses: [{value: '2001:db8::1'}, {value: 10.0.0.1}]\n", ports: []string{"80/TCP"},
			config: "service: {externalTrafficPolicy: Cluster}\n",
			ips:    "2001:db8::1,10.0.0.1", policy: "RequireDualStack", families: []corev1.IPFamily{"IPv6", "IPv4"}, traffic: "Cluster",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find[*corev1.Service](t, infra.Build(gatewayOf(t, test.spec, test.config), infra.Options{}))
			var ports []string
			for _, p := range s.Spec.Ports {
				ports = append(ports, fmt.Sprintf("%d/%s", p.Port, p.Protocol))
				if p.TargetPort.IntVal != p.Port || !strings.HasPrefix(p.Name, "port-") {
					t.Errorf("port %+v", p)
				}
			}
			if diff := cmp.Diff(test.ports, ports); diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
			if got := s.Annotations["metallb.io/loadBalancerIPs"]; got != test.ips {
				t.Errorf("asks MetalLB for %q, want %q", got, test.ips)
			}
			if *s.Spec.IPFamilyPolicy != test.policy || !slices.Equal(s.Spec.IPFamilies, test.families) {
				t.Errorf("families: %s %v", *s.Spec.IPFamilyPolicy, s.Spec.IPFamilies)
			}
			if s.Spec.ExternalTrafficPolicy != test.traffic || s.Spec.LoadBalancerIP != "" || s.Spec.LoadBalancerClass != nil {
				t.Errorf("Service %+v", s.Spec)
			}
		})
	}
}

func TestServiceAnnotationsOfTheGatewayWin(t *testing.T) {
	t.Parallel()
	g := gatewayOf(t, listenHTTP+`infrastructure: {annotations: {a: gateway}, parametersRef: {group: gatewright.dev, kind: GatewayConfig, name: own}}`+"\n",
		"service: {annotations: {a: config, metallb.io/address-pool: lan}, loadBalancerClass: x.y/z}\n")
	s := find[*corev1.Service](t, infra.Build(g, infra.Options{}))
	if s.Annotations["a"] != "gateway" || s.Annotations["metallb.io/address-pool"] != "lan" || *s.Spec.LoadBalancerClass != "x.y/z" {
		t.Errorf("annotations %v, class %v", s.Annotations, s.Spec.LoadBalancerClass)
	}
	if got := g.Config.Spec.Service.Annotations["a"]; got != "config" {
		t.Errorf("the configuration was changed: %q", got)
	}
}

func TestNamesAreValidAndApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 60)
	seen := map[string]string{}
	for _, name := range []string{"home", "0home", "a.b", "a-b", long + "b", long + "c", strings.Repeat("a.", 126) + "a"} {
		key := types.NamespacedName{Namespace: "infra", Name: name}
		got := infra.Name(key)
		if faults := validation.IsDNS1035Label(got); len(faults) > 0 {
			t.Errorf("%s gives %q: %v", name, got, faults)
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%s and %s are both %q", name, other, got)
		}
		seen[got] = name
		for label, value := range infra.PodLabels(key) {
			if faults := validation.IsValidLabelValue(value); len(faults) > 0 {
				t.Errorf("%s gives %s=%q: %v", name, label, value, faults)
			}
		}
	}
}
