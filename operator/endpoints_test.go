package operator

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// webSlice is an EndpointSlice of Service web, with one endpoint.
func webSlice(address string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{
		Namespace: homeKey.Namespace, Name: "web-1", Labels: map[string]string{discoveryv1.LabelServiceName: "web"},
	}, AddressType: discoveryv1.AddressTypeIPv4}
	s.Ports = []discoveryv1.EndpointPort{{Name: new(""), Port: new(int32(8080))}}
	s.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{address}}}
	return s
}

// addresses are where the pod sends requests to.
func (s *standIn) addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, u := range s.live.Upstreams {
		for _, e := range u.Endpoints {
			all = append(all, e.Address)
		}
	}
	return all
}

func (s *standIn) serving(address string) func() bool {
	return func() bool {
		all := s.addresses()
		return len(all) == 1 && all[0] == address
	}
}

// eventually waits for what data planes do on their own.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never saw: %s", what)
		}
	}
}

// servedWeb is a rig of which the pod serves Service web.
func servedWeb(t *testing.T) (*rig, *standIn) {
	t.Helper()
	f := homelab(t)
	route := hostRoute("web", "web.example.net", 1)
	route.Spec.Rules[0].BackendRefs = []gatewayv1.HTTPBackendRef{{}}
	ref := &route.Spec.Rules[0].BackendRefs[0]
	ref.Name, ref.Port = "web", new(gatewayv1.PortNumber(80))
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: homeKey.Namespace, Name: "web"}}
	service.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	good := hostRoute("good", "good.example.net", 1)
	if err := f.client.Delete(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if err := f.client.Create(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	if err := f.client.Create(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	if err := f.client.Create(t.Context(), webSlice("10.0.0.1")); err != nil {
		t.Fatal(err)
	}
	agent := startStandIn(t, f, "")
	r := newRig(t, f, agent.port)
	r.until(t, "the first endpoint", agent.serving("10.0.0.1"))
	return r, agent
}

func TestEndpointsMoveWithoutACompilation(t *testing.T) {
	t.Parallel()
	r, agent := servedWeb(t)
	compile := r.compile
	r.compile = func(s snapshot.Snapshot) compiler.Result {
		t.Error("all was compiled for a change of endpoints")
		return compile(s)
	}
	for _, address := range []string{"10.0.0.2", "10.0.0.3"} {
		r.endpoints.note(webSlice("10.0.0.1"), webSlice(address))
		if !r.moveEndpoints() {
			t.Fatal("a change of endpoints asks for a compilation")
		}
		eventually(t, "the endpoint "+address, agent.serving(address))
	}
	r.endpoints.note(webSlice("10.0.0.3"), nil)
	if !r.moveEndpoints() {
		t.Fatal("a slice that goes asks for a compilation")
	}
	eventually(t, "no endpoint", agent.serving("127.0.0.1"))
	agent.mu.Lock()
	defer agent.mu.Unlock()
	if agent.patches != 3 {
		t.Errorf("%d patches, want one for each change", agent.patches)
	}
}

func TestACompilationThatHasNotSeenAChangeDoesNotUndoIt(t *testing.T) {
	t.Parallel()
	r, agent := servedWeb(t)
	compile := r.compile
	r.compile = func(s snapshot.Snapshot) compiler.Result {
		// The change comes after the snapshot was taken, and moves at once.
		r.endpoints.note(webSlice("10.0.0.1"), webSlice("10.0.0.2"))
		if !r.moveEndpoints() {
			t.Error("a change of endpoints asks for a compilation")
		}
		eventually(t, "the new endpoint", agent.serving("10.0.0.2"))
		return compile(s)
	}
	if _, err := r.Reconcile(t.Context(), world); err != nil {
		t.Fatal(err)
	}
	for _, u := range r.fleet.Report(homeKey).Wanted.Bundle.Upstreams {
		if u.Endpoints[0].Address != "10.0.0.2" {
			t.Errorf("the compilation went back to the endpoints %v", u.Endpoints)
		}
	}
	// A Service that has not changed since leads to no patch of others.
	if !r.moveEndpoints() {
		t.Error("what is told already asks for a compilation")
	}
}

func TestACompilationForgetsTheChangesThatItHasSeen(t *testing.T) {
	t.Parallel()
	c := newEndpointChanges()
	c.note(nil, webSlice("10.0.0.1"))
	mark := c.mark()
	other := webSlice("10.0.0.2")
	other.Name, other.Labels = "other-1", map[string]string{discoveryv1.LabelServiceName: "other"}
	c.note(other, nil)
	c.forget(mark)
	services, changed, newest := c.since(mark)
	if len(services) != 1 || services[0].Name != "other" || newest != 2 {
		t.Errorf("changes of %v up to number %d", services, newest)
	}
	if slice, known := changed[snapshot.KeyOf(other)]; len(changed) != 1 || !known || slice != nil {
		t.Errorf("EndpointSlices %v", changed)
	}
	if services, _, _ := c.since(newest); len(services) > 0 {
		t.Errorf("%v are told twice", services)
	}
}

func TestBeforeTheFirstCompilationEndpointsWaitForIt(t *testing.T) {
	t.Parallel()
	f := homelab(t)
	r := newRig(t, f, 1)
	r.endpoints.note(nil, webSlice("10.0.0.1"))
	if r.moveEndpoints() {
		t.Error("endpoints are told though nothing is known of routes")
	}
}
