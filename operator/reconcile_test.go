package operator

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
	"github.com/gatewright/gatewright/operator/dataplane"
)

// standIn serves the agent's control API with the identity that the operator
// has made for the Gateway, and refuses configurations in which refused stands.
type standIn struct {
	port    int
	refused string

	mu    sync.Mutex
	state bundle.State
	live  bundle.Bundle
	// patches counts those that it took.
	patches int
}

func startStandIn(t *testing.T, f *fakeCluster, refused string) *standIn {
	t.Helper()
	s := &standIn{refused: refused}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("listens on %v", listener.Addr())
	}
	s.port = address.Port
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			secret := &corev1.Secret{}
			key := client.ObjectKey{Namespace: homeKey.Namespace, Name: infra.IdentitySecretName(homeKey)}
			if err := f.client.Get(t.Context(), key, secret); err != nil {
				return nil, err
			}
			pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(secret.Data[authorityKey])
			return &tls.Config{
				MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
			}, err
		}},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

// ServeHTTP implements http.Handler.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPatch {
		var p bundle.Patch
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil || p.Base != s.state.Hash {
			http.Error(w, fmt.Sprint("not for this one ", err), http.StatusConflict)
			return
		}
		s.live.Upstreams, _, _ = bundle.Replace(s.live.Upstreams, s.live.Hashes(), p.Upstreams)
		s.state.Hash = s.live.Hash()
		s.patches++
	}
	if r.Method == http.MethodPut {
		b, err := bundle.Decode(r.Body)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		case s.refused != "" && strings.Contains(text(b), s.refused):
			s.state.Refused = &bundle.Refusal{Hash: b.Hash(), Message: "[emerg] " + s.refused}
			w.WriteHeader(http.StatusUnprocessableEntity)
		default:
			s.live = b
			s.state = bundle.State{Hash: b.Hash(), ConfigHash: b.ConfigHash(), Generation: b.Generation, ListenerSets: b.ListenerSets}
		}
	}
	_ = json.NewEncoder(w).Encode(s.state)
}

func (s *standIn) serves() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return text(s.live)
}

func text(b bundle.Bundle) string {
	var all strings.Builder
	for _, f := range b.Files {
		all.Write(f.Data)
	}
	return all.String()
}

// rig is a reconciler with the real compiler and fleet, on a fake cluster.
type rig struct {
	*reconciler
	fake *fakeCluster
	news chan struct{}
}

func newRig(t *testing.T, f *fakeCluster, port int) *rig {
	t.Helper()
	news := make(chan struct{}, 1000)
	changed := func() { news <- struct{}{} }
	identities := newIdentities(f.cluster, "system")
	fleet := dataplane.NewFleet(dataplane.Options{
		Identity: identities.toward, Port: port, Log: logr.Discard(), Backoff: time.Millisecond,
		Changed: func(types.NamespacedName) { changed() },
	})
	t.Cleanup(fleet.Close)
	compile := func(s snapshot.Snapshot) compiler.Result {
		return compiler.Run(s, compiler.Options{Infra: infra.Options{Image: "nginx"}})
	}
	applier := newApplier(f.cluster)
	r := &reconciler{
		cluster: f.cluster, observer: observer.New(f.client, f.client, nil), watches: &watches{}, compile: compile,
		applier: applier, pruner: &pruner{cluster: f.cluster, applier: applier}, identities: identities, fleet: fleet,
		store:    newStore(f.writer, func(*gatewayv1.Gateway, string, string) {}, logr.Discard()),
		statuses: newStatusQueue(&statusWriter{cluster: f.cluster, now: time.Now}, logr.Discard()),
		awaited:  newAwaited(time.Now),
		pace:     newPacer(0), plans: map[types.NamespacedName]plan{},
		endpoints: newEndpointChanges(),
	}
	r.quarantine = newQuarantine(compile, fleetTrials(fleet), r.recall)
	r.quarantine.changed = changed
	return &rig{reconciler: r, fake: f, news: news}
}

// until reconciles at every news until the condition holds.
func (r *rig) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	hang := time.After(20 * time.Second)
	for {
		if _, err := r.Reconcile(t.Context(), world); err != nil {
			t.Fatal(err)
		}
		if work := r.statuses.take(); work != nil {
			if err := r.statuses.writer.write(t.Context(), *work); err != nil {
				t.Fatal(err)
			}
		}
		if holds() {
			return
		}
		select {
		case <-r.news:
		case <-hang:
			t.Fatalf("never saw: %s; report %+v, programmed %q", what, r.fleet.Report(homeKey), r.programmed(t))
		}
	}
}

func (r *rig) programmed(t *testing.T) string {
	t.Helper()
	g := &gatewayv1.Gateway{}
	r.fake.get(t, homeKey, g)
	if c := find(g.Status.Conditions, "Programmed"); c != nil {
		return string(c.Status) + " " + c.Reason
	}
	return ""
}

func hostRoute(name, host string, generation int64) *gatewayv1.HTTPRoute {
	namespace := gatewayv1.Namespace(homeKey.Namespace)
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: homeKey.Namespace, Name: name, Generation: generation, UID: types.UID(name)}}
	r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: gatewayv1.ObjectName(homeKey.Name), Namespace: &namespace}}
	r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(host)}
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{}}
	return r
}

func homelab(t *testing.T) *fakeCluster {
	t.Helper()
	g := gatewayWithUID("1")
	g.Generation = 5
	g.Spec.GatewayClassName = "gatewright"
	g.Spec.Listeners = []gatewayv1.Listener{{Name: "web", Port: 80, Protocol: gatewayv1.HTTPProtocolType}}
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "gatewright"}}
	class.Spec.ControllerName = v1alpha1.ControllerName
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: homeKey.Namespace, Name: "nginx", UID: "nginx", Labels: infra.PodLabels(homeKey)}}
	pod.Status.PodIP = "127.0.0.1"
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return newFakeCluster(t, g, class, pod,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: homeKey.Namespace}},
		hostRoute("good", "good.example.net", 1))
}

// assign gives the Gateway's Service an address, as a load balancer does.
func (r *rig) assign(t *testing.T) {
	t.Helper()
	s := &corev1.Service{}
	r.fake.get(t, client.ObjectKey{Namespace: homeKey.Namespace, Name: infra.Name(homeKey)}, s)
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.168.1.9"}}
	if err := r.fake.client.Status().Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func TestAGatewayIsProgrammedWhenNginxServesIt(t *testing.T) {
	t.Parallel()
	f := homelab(t)
	agent := startStandIn(t, f, "")
	r := newRig(t, f, agent.port)
	r.until(t, "the address missing", func() bool { return r.programmed(t) == "False AddressNotAssigned" })
	r.assign(t)
	r.until(t, "the Gateway programmed", func() bool { return r.programmed(t) == "True Programmed" })
	f.written()
	r.until(t, "another round", func() bool { return true })
	if writes := f.written(); len(writes) > 0 {
		t.Errorf("writes %v, though nothing has changed", writes)
	}
}

func TestARouteThatNginxRefusesIsLeftOutAndItsNeighboursAreServed(t *testing.T) {
	t.Parallel()
	f := homelab(t)
	agent := startStandIn(t, f, "bad.example.net")
	r := newRig(t, f, agent.port)
	r.until(t, "the good route served", func() bool { return strings.Contains(agent.serves(), "good.example.net") })
	r.assign(t)

	for _, route := range []*gatewayv1.HTTPRoute{hostRoute("bad", "bad.example.net", 1), hostRoute("new", "new.example.net", 1)} {
		if err := f.client.Create(t.Context(), route); err != nil {
			t.Fatal(err)
		}
	}
	bad := &gatewayv1.HTTPRoute{}
	r.until(t, "nginx's words in the bad route's status", func() bool {
		f.get(t, client.ObjectKey{Namespace: homeKey.Namespace, Name: "bad"}, bad)
		said, err := json.Marshal(bad.Status)
		return err == nil && strings.Contains(string(said), "[emerg] bad.example.net")
	})
	r.until(t, "the Gateway programmed without it", func() bool {
		return strings.Contains(agent.serves(), "new.example.net") && r.programmed(t) == "True Programmed"
	})
	if config := agent.serves(); !strings.Contains(config, "good.example.net") || strings.Contains(config, "bad.example.net") {
		t.Errorf("nginx serves:\n%s", config)
	}
	bad.Generation, bad.Spec.Hostnames = 2, []gatewayv1.Hostname{"mended.example.net"}
	if err := f.client.Update(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	r.until(t, "the mended route served", func() bool { return strings.Contains(agent.serves(), "mended.example.net") })
}

func TestARestartedOperatorDoesNotSayWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	f := homelab(t)
	agent := startStandIn(t, f, "")
	first := newRig(t, f, agent.port)
	first.until(t, "the configuration served", func() bool { return strings.Contains(agent.serves(), "good.example.net") })
	first.assign(t)
	first.until(t, "the Gateway programmed", func() bool { return first.programmed(t) == "True Programmed" })

	// The agent's lock keeps its answer to the new operator back.
	agent.mu.Lock()
	second := newRig(t, f, agent.port)
	second.until(t, "the first round", func() bool { return true })
	if got := second.programmed(t); got != "True Programmed" {
		t.Errorf("Programmed %q before the pod was asked", got)
	}
	agent.mu.Unlock()
	second.until(t, "the pod asked", func() bool { return second.fleet.Report(homeKey).Known })
}
