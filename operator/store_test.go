package operator

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/operator/dataplane"
)

// bundleOf has a configuration and an endpoint's address.
func bundleOf(config, address string) good {
	return good{gateway: gatewayWithUID("1"), routes: generations{"blog/web": 3}, offer: dataplane.NewOffer(bundle.Bundle{
		Gateway:   "infra/home",
		Files:     []bundle.File{{Path: "nginx.conf", Data: []byte(config)}},
		Upstreams: []bundle.Upstream{{ID: "web", Endpoints: []bundle.Endpoint{{Address: address, Port: 80, Weight: 1}}}},
	})}
}

func newTestStore(f *fakeCluster, clock *time.Time) (s *store, told *[]string) {
	told = new([]string)
	s = newStore(f.writer, func(_ *gatewayv1.Gateway, reason, _ string) { *told = append(*told, reason) }, logr.Discard())
	s.now = func() time.Time { return *clock }
	return s, told
}

func TestRoutingIsStoredSoonAndEndpointsNowAndThen(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := noon
	s, _ := newTestStore(f, &clock)
	steps := []struct {
		name   string
		after  time.Duration
		keep   good
		writes int
		wait   time.Duration
	}{
		{name: "the first", keep: bundleOf("a", "10.0.0.1"), writes: 1, wait: time.Hour},
		{name: "the same again", keep: bundleOf("a", "10.0.0.1"), wait: time.Hour},
		{name: "an endpoint moves", after: time.Second, keep: bundleOf("a", "10.0.0.2"), wait: 9 * time.Second},
		{name: "it moves on", after: 3 * time.Second, keep: bundleOf("a", "10.0.0.3"), wait: 6 * time.Second},
		{name: "the time has come", after: 6 * time.Second, keep: bundleOf("a", "10.0.0.3"), writes: 1, wait: time.Hour},
		{name: "the routing changes", after: 3 * time.Second, keep: bundleOf("b", "10.0.0.3"), writes: 1, wait: time.Hour},
		{name: "it changes again at once", after: time.Second, keep: bundleOf("c", "10.0.0.3"), wait: time.Second},
		{name: "and again", after: time.Second, keep: bundleOf("d", "10.0.0.3"), writes: 1, wait: time.Hour},
		{name: "it changes", after: time.Second, keep: bundleOf("e", "10.0.0.3"), wait: time.Second},
		{name: "and changes back before it is stored", keep: bundleOf("d", "10.0.0.3"), wait: time.Hour},
	}
	for _, step := range steps {
		clock = clock.Add(step.after)
		s.keep(step.keep)
		wait := s.flush(t.Context())
		if writes := f.written(); len(writes) != step.writes {
			t.Errorf("%s: writes %v, want %d", step.name, writes, step.writes)
		}
		if wait != step.wait {
			t.Errorf("%s: waits %s, want %s", step.name, wait, step.wait)
		}
	}
}

func TestWhatIsPendingIsStoredWhenTheOperatorEnds(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := noon
	s, _ := newTestStore(f, &clock)
	s.keep(bundleOf("a", "10.0.0.1"))
	s.flush(t.Context())
	s.keep(bundleOf("b", "10.0.0.1"))
	f.written()
	ended, end := context.WithCancel(t.Context())
	end()
	if err := s.Start(ended); err != nil {
		t.Fatal(err)
	}
	if writes := f.written(); len(writes) != 1 {
		t.Errorf("writes %v, want the pending one", writes)
	}
}

func TestWhatIsStoredIsWhatAPodReads(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := noon
	s, _ := newTestStore(f, &clock)
	s.keep(bundleOf("a", "10.0.0.1"))
	s.flush(t.Context())
	secret := &corev1.Secret{}
	f.get(t, client.ObjectKey{Namespace: "infra", Name: infra.BundleSecretName(homeKey)}, secret)
	got, err := bundle.Decode(bytes.NewReader(secret.Data[bundle.StoredKey]))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bundleOf("a", "10.0.0.1").offer.Bundle.Files, got.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	r := &reconciler{cluster: f.cluster}
	if diff := cmp.Diff(generations{"blog/web": 3}, r.recall(t.Context(), homeKey)); diff != "" {
		t.Errorf("recalled routes (-want +got):\n%s", diff)
	}
}

func TestABundleThatNoSecretHoldsIsToldAndSkipped(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t)
	clock := noon
	s, told := newTestStore(f, &clock)
	// Random text, as repetitions would compress to nothing.
	random := rand.New(rand.NewPCG(1, 2))
	config := make([]byte, 2<<20)
	for i := range config {
		config[i] = byte(random.UintN(256))
	}
	s.keep(bundleOf(string(config), "10.0.0.1"))
	s.flush(t.Context())
	if diff := cmp.Diff([]string{"BundleTooLarge"}, *told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if writes := f.written(); len(writes) > 0 {
		t.Errorf("writes %v", writes)
	}
}
