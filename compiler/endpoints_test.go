package compiler_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/bench/control/workload"
	"github.com/gatewright/gatewright/test/corpus"
)

// churn changes EndpointSlices at random, and keeps account of them.
type churn struct {
	*rand.Rand
	snapshot snapshot.Snapshot
	changed  compiler.EndpointSlices
	services []types.NamespacedName
}

// address is one of few, so that backends have some in common, or of a kind that no
// backend may have.
func (c *churn) address() string {
	if c.IntN(20) == 0 {
		return "127.0.0.1"
	}
	return fmt.Sprintf("10.%d.0.%d", c.IntN(4), 1+c.IntN(120))
}

// change takes an EndpointSlice away, or gives a Service one with other endpoints.
func (c *churn) change() {
	all := c.snapshot.EndpointSlices.All()
	services := c.snapshot.Services.All()
	var slice *discoveryv1.EndpointSlice
	switch {
	case len(all) > 0 && c.IntN(3) > 0:
		slice = all[c.IntN(len(all))].DeepCopy()
	case len(services) > 0:
		slice = c.second(services[c.IntN(len(services))].Namespace, services[c.IntN(len(services))].Name)
	default:
		return
	}
	key := snapshot.KeyOf(slice)
	c.services = append(c.services, types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]})
	if c.IntN(6) == 0 {
		c.changed[key], c.snapshot = nil, c.snapshot.Without(slice)
		return
	}
	slice.Endpoints = nil
	for range c.IntN(4) {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{c.address()}, Conditions: discoveryv1.EndpointConditions{Ready: new(c.IntN(5) > 0)},
		})
	}
	c.changed[key], c.snapshot = slice, c.snapshot.With(slice)
}

// second is one more EndpointSlice of a Service that may be there.
func (c *churn) second(namespace, service string) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	slice.Namespace, slice.Name = namespace, service+"-second"
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	for _, name := range []string{"", "http", "https"} {
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: new(name), Port: new(int32(8000 + c.IntN(3)))})
	}
	return slice
}

// round changes endpoints several times over, and compares what Reach says each
// time with what follows from scratch. It returns 1 where it has all
// compiled.
func round(t *testing.T, s snapshot.Snapshot, seed uint64) (whole int) {
	t.Helper()
	served := map[types.NamespacedName]bundle.Bundle{}
	hashes := map[types.NamespacedName]bundle.Hashes{}
	for _, g := range compiler.Run(s, options).Gateways {
		served[g.Key], hashes[g.Key] = g.Bundle, g.Bundle.Hashes()
	}
	reach := compiler.NewReach(s)
	c := &churn{Rand: rand.New(rand.NewPCG(seed, 1)), snapshot: s, changed: compiler.EndpointSlices{}}
	for range 3 {
		c.services = nil
		for range 1 + c.IntN(3) {
			c.change()
		}
		upstreams, ok := reach.Endpoints(c.services, c.changed)
		if !ok {
			return 1
		}
		for _, g := range compiler.Run(c.snapshot, options).Gateways {
			b := served[g.Key]
			b.Upstreams, hashes[g.Key], _ = bundle.Replace(b.Upstreams, hashes[g.Key], upstreams)
			served[g.Key] = b
			if !reflect.DeepEqual(g.Bundle, b) {
				t.Fatalf("seed %d: of Gateway %s, the patched bundle differs from the compiled one (-compiled +patched):\n%s", seed, g.Key, cmp.Diff(g.Bundle, b))
			}
			if got, want := hashes[g.Key].Whole(), g.Bundle.Hash(); got != want {
				t.Fatalf("seed %d: of Gateway %s, the patched bundle has the hash %s, the compiled one %s", seed, g.Key, got, want)
			}
		}
	}
	return 0
}

// randomRoutes is a workload in which routes share Services, split requests, copy
// them, bind clients, and name Services that are not there.
func randomRoutes(seed uint64) snapshot.Snapshot {
	const services = 12
	r := rand.New(rand.NewPCG(seed, 2))
	backend := func() gatewayv1.HTTPBackendRef {
		b := workload.NewRoute(r.IntN(services+1), 0).Spec.Rules[0].BackendRefs[0]
		if r.IntN(2) == 0 {
			b.Weight = new(int32(r.IntN(4)))
		}
		return b
	}
	s := workload.Snapshot(services)
	for i := range services {
		route := workload.NewRoute(i, 0)
		rule := &route.Spec.Rules[0]
		for range r.IntN(3) {
			rule.BackendRefs = append(rule.BackendRefs, backend())
		}
		if r.IntN(4) == 0 {
			rule.SessionPersistence = &gatewayv1.SessionPersistence{}
		}
		if r.IntN(4) == 0 {
			mirror := gatewayv1.HTTPRequestMirrorFilter{BackendRef: backend().BackendObjectReference}
			rule.Filters = append(rule.Filters, gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterRequestMirror, RequestMirror: &mirror})
		}
		s = s.With(route)
	}
	return s
}

func TestEndpointsCompiledApartAreThoseOfTheWholeCompilation(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		if round(t, randomRoutes(seed), seed) > 0 {
			t.Fatalf("seed %d: a change of endpoints asks for a whole compilation", seed)
		}
	}
}

func TestEndpointsCompiledApartAreThoseOfTheWholeCompilationInEveryCase(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../test/cases/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	const rounds = 5
	told := 0
	for _, path := range paths {
		s, err := corpus.ReadCase(path)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(rounds) {
			told += 1 - round(t, s, seed)
		}
	}
	if told < rounds*len(paths)*3/4 {
		t.Errorf("of %d rounds, %d did without a whole compilation", rounds*len(paths), told)
	}
}

func TestEndpointsOfTheHopNeedAWholeCompilation(t *testing.T) {
	t.Parallel()
	s := workload.Snapshot(2)
	route := workload.NewRoute(1, 0)
	route.Spec.Rules[0].Timeouts = &gatewayv1.HTTPRouteTimeouts{Request: new(gatewayv1.Duration("2s"))}
	reach := compiler.NewReach(s.With(route))
	slice := workload.NewEndpointSlice(1, "10.42.9.9")
	key := snapshot.KeyOf(slice)
	if _, ok := reach.Endpoints([]types.NamespacedName{key}, compiler.EndpointSlices{key: slice}); ok {
		t.Error("the hop's endpoints are taken for nginx's")
	}
	if _, ok := reach.Endpoints([]types.NamespacedName{{Namespace: key.Namespace, Name: "stranger"}}, nil); !ok {
		t.Error("a Service that no route names asks for a whole compilation")
	}
}
