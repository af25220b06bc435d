package agent_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestDrainIsNotReadyAtOnceAndServesUntilConnectionsEnd(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.options.PreStopDelay = 2 * time.Second
	p.start()
	p.mustPush(p.bundle(site{}, upstream("web", backend(t, "web"))))
	socket := p.socket("/web")

	p.signals <- syscall.SIGTERM

	p.eventually("the pod is not ready", func() bool { status, _ := p.health("/readyz"); return status == http.StatusServiceUnavailable })
	if status, body := p.fetch("/web"); status != http.StatusOK {
		t.Errorf("during the delay nginx answers %d %q", status, body)
	}
	if status, _ := p.health("/livez"); status != http.StatusOK {
		t.Errorf("a draining pod is not alive: %d", status)
	}
	p.eventually("nginx takes no new connections", func() bool { status, _ := p.fetch("/web"); return status == 0 })
	if err := talk(t, socket, "still here"); err != nil {
		t.Errorf("the websocket while draining: %v", err)
	}
	select {
	case err := <-p.done:
		t.Fatalf("the agent ended with an open websocket: %v", err)
	default:
	}
	socket.CloseNow()
	if err := <-p.done; err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

func TestDrainCutsWebsocketsOff(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		drain int64
		grace time.Duration
		// wanted is what the bundle says of the grace period.
		wanted  int64
		signals int
	}{
		"when the bundle's drain time is over":                 {drain: 1, grace: time.Hour, signals: 1},
		"when the pod's grace period is over":                  {drain: 3600, grace: time.Second, signals: 1},
		"when the grace period that the bundle wants is over":  {drain: 3600, grace: time.Hour, wanted: 1, signals: 1},
		"when the pod's is over, though the bundle wants more": {drain: 3600, grace: time.Second, wanted: 3600, signals: 1},
		"at the second signal":                                 {drain: 3600, grace: time.Hour, signals: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t)
			p.options.Grace = tc.grace
			p.start()
			b := p.bundle(site{Drain: tc.drain}, upstream("web", backend(t, "web")))
			b.GraceSeconds = tc.wanted
			p.mustPush(b)
			socket := p.socket("/web")
			for range tc.signals {
				p.signals <- syscall.SIGTERM
			}
			if err := <-p.done; err != nil {
				t.Errorf("the agent ended with %v", err)
			}
			if err := talk(t, socket, "still here?"); err == nil {
				t.Error("the websocket outlived nginx")
			}
		})
	}
}

func TestNginxThatDiesIsRestartedAndServesTheLiveBundle(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	p.mustPush(p.bundle(site{}, upstream("web", backend(t, "web"))))
	socket := p.socket("/web")

	if err := syscall.Kill(p.master(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	p.eventually("nginx was restarted", func() bool { return p.metric("gatewright_nginx_restarts_total") == "1" })
	p.eventually("the bundle is served", func() bool { status, _ := p.fetch("/web"); return status == http.StatusOK })
	p.eventually("the pod is ready", func() bool { status, _ := p.health("/readyz"); return status == http.StatusOK })
	if err := talk(t, socket, "still here"); err != nil {
		t.Errorf("the websocket on the dead master's worker: %v", err)
	}
}

// master is the process ID of nginx's master.
func (p *plane) master() int {
	p.t.Helper()
	pid, err := p.readMaster()
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

func (p *plane) readMaster() (int, error) {
	data, err := os.ReadFile(filepath.Join(p.options.RunDir, "nginx.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}

func TestNginxThatCannotBeKeptRunningEndsTheAgentWithAnError(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.start()
	b := p.bundle(site{})
	p.mustPush(b)
	live := filepath.Join(p.options.RunDir, "conf/nginx.conf")
	if err := os.WriteFile(live, []byte("nonsense on;"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.master(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.eventually("the pod is not alive", func() bool { status, _ := p.health("/livez"); return status != http.StatusOK })
	if err := <-p.done; err == nil {
		t.Error("the agent ended without an error")
	}
}

func TestOldestDrainingGenerationsAreEndedBeyondTheLimit(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.options.MaxDrainingGenerations = 2
	p.run()
	web := upstream("web", backend(t, "web"))
	generation := func(i int) bundle.Bundle {
		return p.bundle(site{Workers: 1, Drain: 3600, Extra: "location = /" + strconv.Itoa(i) + " { return 204; }"}, web)
	}
	p.mustPush(generation(0))
	oldest := p.socket("/web")
	p.mustPush(generation(1))
	middle := p.socket("/web")
	p.mustPush(generation(2))
	if err := talk(t, oldest, "within the limit"); err != nil {
		t.Errorf("the oldest websocket, within the limit: %v", err)
	}
	newest := p.socket("/web")
	p.mustPush(generation(3))

	p.eventually("two draining workers are left", func() bool {
		return p.metric("gatewright_nginx_draining_workers") == "2" && talk(t, oldest, "gone?") != nil
	})
	if err := talk(t, middle, "still here"); err != nil {
		t.Errorf("the middle websocket: %v", err)
	}
	if err := talk(t, newest, "still here"); err != nil {
		t.Errorf("the newest websocket: %v", err)
	}
}

func TestMetricsSayWhatIsServed(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	b := p.bundle(site{}, upstream("web", backend(t, "a"), backend(t, "b")))
	b.Generation = 7
	p.mustPush(b)
	p.push(p.bundle(site{Extra: "nonsense on;"}))
	p.fetch("/web")
	for name, want := range map[string]string{
		"gatewright_agent_reloads_total":                                     "1",
		"gatewright_agent_reload_failures_total":                             "1",
		"gatewright_agent_bundle_generation":                                 "7",
		"gatewright_agent_upstreams":                                         "1",
		"gatewright_agent_endpoints":                                         "2",
		"gatewright_nginx_restarts_total":                                    "0",
		"gatewright_nginx_up":                                                "1",
		`gatewright_agent_bundle_info{config_hash="` + b.ConfigHash() + `"}`: "1",
	} {
		if got := p.metric(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{
		"gatewright_agent_last_apply_duration_seconds", `gatewright_agent_dns_queries_total{kind="srv"}`,
		`gatewright_agent_dns_queries_total{kind="a"}`, "gatewright_nginx_http_requests_total",
		"gatewright_nginx_connections_accepted_total", "gatewright_nginx_connections_handled_total",
		`gatewright_nginx_connections{state="active"}`,
	} {
		if got, err := strconv.ParseFloat(p.metric(name), 64); err != nil || got <= 0 {
			t.Errorf("%s is %q, want more than 0", name, p.metric(name))
		}
	}
}

func TestRestartedContainerFindsItsOldDirectoriesAndServes(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.start()
	web := upstream("web", backend(t, "web"))
	old := p.bundle(site{Certificate: "certs/old.pem"}, web)
	old.Certificates = []bundle.File{p.pki.serving(t, "certs/old.pem", 1)}
	p.mustPush(old)
	p.signals <- syscall.SIGTERM
	if err := <-p.done; err != nil {
		t.Fatal(err)
	}
	p.run()
	if got := p.state(); got.Hash != "" {
		t.Errorf("the new agent claims to serve %+v", got)
	}
	p.mustPush(p.bundle(site{}, web))
	if status, body := p.fetch("/web"); status != http.StatusOK {
		t.Errorf("answered %d %q", status, body)
	}
	if got := names(t, filepath.Join(p.options.RunDir, "certs")); len(got) != 0 {
		t.Errorf("certificates of before are left: %v", got)
	}
}

func TestDrainingPodTakesNoBundleOnceNginxStops(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.start()
	live := p.mustPush(p.bundle(site{}, upstream("web", backend(t, "web"))))
	socket := p.socket("/web")
	p.signals <- syscall.SIGTERM
	p.eventually("nginx takes no new connections", func() bool { status, _ := p.fetch("/web"); return status == 0 })
	status, body, err := p.request(p.operator, http.MethodPut, bundle.PathBundle, encoded(t, p.bundle(site{})))
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("a bundle is answered %d %q, %v", status, body, err)
	}
	if got := p.state(); got.Hash != live.Hash {
		t.Errorf("state %+v, want %s live", got, live.Hash)
	}
	socket.CloseNow()
	if err := <-p.done; err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

func TestBundlesPushedAtOnceAreAppliedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	type result struct {
		b      bundle.Bundle
		status int
		body   string
		err    error
	}
	const pushes = 12
	results := make(chan result, pushes)
	for i := range pushes {
		b := p.bundle(site{Extra: "location = /who { return 200 " + strconv.Itoa(i) + "; }"})
		data := encoded(t, b)
		go func() {
			status, body, err := p.request(p.operator, http.MethodPut, bundle.PathBundle, data)
			results <- result{b, status, body, err}
		}()
	}
	live := map[string]bundle.Bundle{}
	for range pushes {
		r := <-results
		switch {
		case r.err != nil:
			t.Error(r.err)
		case r.status == http.StatusOK:
			if got := decodeState(t, r.body); got.Hash != r.b.Hash() {
				t.Errorf("pushed %s, answered %+v", r.b.Hash(), got)
			}
			live[r.b.Hash()] = r.b
		case r.status != http.StatusServiceUnavailable:
			t.Errorf("answered %d %s", r.status, r.body)
		}
	}
	state := p.state()
	b, ok := live[state.Hash]
	if !ok || state.Reloads != int64(len(live)) {
		t.Fatalf("state %+v after %d applied bundles", state, len(live))
	}
	if _, body := p.fetch("/who"); !strings.Contains(string(b.Files[0].Data), "return 200 "+body+";") {
		t.Errorf("nginx serves %q, which is not the live bundle's", body)
	}
}
