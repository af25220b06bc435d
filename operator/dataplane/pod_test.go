package dataplane_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/operator/dataplane"
	"github.com/gatewright/gatewright/operator/pki"
)

const serverName = "home.dataplane.example"

// authority is the one that operator and pods trust.
func newAuthority(t *testing.T) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *pki.Authority, name string, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	pair, err := a.Issue(pki.Request{DNSNames: []string{name}, Usage: usage, Now: time.Now(), Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// identity is the operator's side of the TLS connections.
func identity(t *testing.T, a *pki.Authority) func(string) *tls.Config {
	t.Helper()
	own := issue(t, a, bundle.OperatorIdentity, x509.ExtKeyUsageClientAuth)
	return func(name string) *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS13, ServerName: name, RootCAs: a.Pool(), Certificates: []tls.Certificate{own}}
	}
}

// fakeAgent stands in for the agent of one pod.
type fakeAgent struct {
	server *httptest.Server

	mu     sync.Mutex
	state  bundle.State
	pushed []string
	// patched are the hashes of the bundles that patches led to.
	patched []string
	// refuse says why a bundle is refused; "" takes it.
	refuse func(bundle.Bundle) string
	// inFlight is how many pushes are being answered, most the highest of that.
	inFlight, most int
	// gate, if there is one, holds each push up until it can receive.
	gate chan struct{}
	// arrived gets the hash of each push, or what each patch led to, when it arrives.
	arrived chan string
}

// startAgent serves the control API under the name, for clients of the
// authority.
func startAgent(t *testing.T, a *pki.Authority, name string) *fakeAgent {
	t.Helper()
	return startAgentAt(t, a, name, "127.0.0.1:0")
}

// startSecond serves at the address of second, on the port of the first agent,
// as pods do.
func startSecond(t *testing.T, a *pki.Authority, first *fakeAgent) *fakeAgent {
	t.Helper()
	return startAgentAt(t, a, serverName, net.JoinHostPort(second, strconv.Itoa(first.port(t))))
}

func startAgentAt(t *testing.T, a *pki.Authority, name, address string) *fakeAgent {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeAgent{refuse: func(bundle.Bundle) string { return "" }, arrived: make(chan string, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+bundle.PathState, func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = json.NewEncoder(w).Encode(f.state)
	})
	mux.HandleFunc("PUT "+bundle.PathBundle, f.put)
	mux.HandleFunc("PATCH "+bundle.PathBundle, f.patch)
	f.server = &httptest.Server{
		Listener: listener,
		// Who is refused complains at both ends: the operator's is what counts.
		Config: &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)},
	}
	f.server.TLS = &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{issue(t, a, name, x509.ExtKeyUsageServerAuth)},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    a.Pool(),
	}
	f.server.StartTLS()
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakeAgent) put(w http.ResponseWriter, r *http.Request) {
	b, err := bundle.Decode(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.inFlight++
	f.most = max(f.most, f.inFlight)
	gate := f.gate
	f.mu.Unlock()
	f.arrived <- b.Hash()
	if gate != nil {
		<-gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inFlight--
	f.pushed = append(f.pushed, b.Hash())
	status := http.StatusOK
	if words := f.refuse(b); words != "" {
		status = http.StatusUnprocessableEntity
		f.state.Refused = &bundle.Refusal{Hash: b.Hash(), Message: words}
	} else {
		f.state = bundle.State{Hash: b.Hash(), ConfigHash: b.ConfigHash(), Generation: b.Generation}
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(f.state)
}

func (f *fakeAgent) patch(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var p bundle.Patch
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil || p.Base != f.state.Hash {
		http.Error(w, "another bundle is live", http.StatusConflict)
		return
	}
	f.patched = append(f.patched, p.Next)
	f.state.Hash = p.Next
	f.arrived <- p.Next
	_ = json.NewEncoder(w).Encode(f.state)
}

// restart has the agent serve what it served long ago.
func (f *fakeAgent) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = bundle.State{Hash: "stored"}
}

func (f *fakeAgent) patches() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.patched...)
}

func (f *fakeAgent) pushes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.pushed...)
}

func (f *fakeAgent) port(t *testing.T) int {
	t.Helper()
	_, port, err := net.SplitHostPort(f.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var home = types.NamespacedName{Namespace: "infra", Name: "home"}

// fleet has news whenever a report changes.
type fleet struct {
	*dataplane.Fleet
	news chan struct{}
}

func newFleet(t *testing.T, o dataplane.Options) *fleet {
	t.Helper()
	f := &fleet{news: make(chan struct{}, 1000)}
	o.Changed = func(types.NamespacedName) { f.news <- struct{}{} }
	o.Backoff = time.Millisecond
	f.Fleet = dataplane.NewFleet(o)
	t.Cleanup(f.Close)
	return f
}

// until waits for a report of the Gateway for which the condition holds.
func (f *fleet) until(t *testing.T, what string, holds func(dataplane.Report) bool) dataplane.Report {
	t.Helper()
	hang := time.After(20 * time.Second)
	for {
		if r := f.Report(home); holds(r) {
			return r
		}
		select {
		case <-f.news:
		case <-hang:
			t.Fatalf("never saw: %s; report %+v", what, f.Report(home))
		}
	}
}

func follow(f *fleet, pods ...dataplane.Pod) {
	f.Follow(dataplane.Target{Gateway: home, ServerName: serverName, Pods: pods})
}

// second is the address of a second pod.
const second = "127.0.0.2"

func pod(name string) dataplane.Pod {
	return dataplane.Pod{
		Name: types.NamespacedName{Namespace: "infra", Name: name}, UID: types.UID(name), IP: "127.0.0.1", Ready: true,
	}
}

// offer is a bundle whose configuration is the text.
func offer(generation int64, text string) *dataplane.Offer {
	return dataplane.NewOffer(bundle.Bundle{
		Gateway: home.String(), Generation: generation, Files: []bundle.File{{Path: "nginx.conf", Data: []byte(text)}},
	})
}
