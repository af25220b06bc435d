package agent_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestRefusedBundleReplacesNoWorkerAndIsNoReload(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	web := upstream("web", backend(t, "web"))
	before := p.mustPush(p.bundle(site{}, web))
	socket, workers := p.socket("/web"), p.workers()

	bad := p.bundle(site{Extra: "nonsense on;"}, web)
	for range 3 {
		if status, _ := p.push(bad); status != http.StatusUnprocessableEntity {
			t.Errorf("push of a bad bundle: %d", status)
		}
	}

	if diff := cmp.Diff(workers, p.workers()); diff != "" {
		t.Errorf("workers (-before +after):\n%s", diff)
	}
	after := p.state()
	if after.Reloads != before.Reloads || len(after.Drains) != 0 {
		t.Errorf("state %+v, want %d reloads and no drain", after, before.Reloads)
	}
	if got := p.metric("gatewright_nginx_draining_workers"); got != "0" {
		t.Errorf("%s workers drain", got)
	}
	if got := p.metric("gatewright_agent_reload_failures_total"); got != "3" {
		t.Errorf("%s failures are counted, want 3", got)
	}
	if err := talk(t, socket, "still here"); err != nil {
		t.Errorf("the websocket from before: %v", err)
	}
}

func TestRefusalIsToldInTheSameWordsWhateverNginxCallsIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ servers, want string }{
		"an emergency":       {"nonsense on;", `[emerg] unknown directive "nonsense" in nginx.conf:`},
		"a full memory zone": {"upstream small { zone small 32k; " + strings.Repeat("server 127.0.0.1:1;", 500) + "}", "[crit] ngx_slab_alloc() failed: no memory"},
		"no memory at all":   {"limit_conn_zone $uri zone=vast:900000000m;", "[alert] mmap("},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t).run()
			p.mustPush(p.bundle(site{}))
			bad := p.bundle(site{ExtraServers: tc.servers})
			_, first := p.push(bad)
			_, second := p.push(bad)
			if first.Refused == nil || !strings.Contains(first.Refused.Message, tc.want) {
				t.Fatalf("refused with %+v, want %q", first.Refused, tc.want)
			}
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("state of the second attempt (-first +second):\n%s", diff)
			}
		})
	}
}

func TestCertificatesStayAsTheyWereUnlessNginxTakesTheBundle(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	old, renewed, added := p.pki.serving(t, "certs/www.pem", 100), p.pki.serving(t, "certs/www.pem", 200), p.pki.serving(t, "certs/new.pem", 300)
	good := p.bundle(site{Certificate: "certs/www.pem"})
	good.Certificates = []bundle.File{old}
	p.mustPush(good)

	bad := p.bundle(site{Certificate: "certs/new.pem", Extra: "nonsense on;"})
	bad.Certificates = []bundle.File{added, renewed}
	if status, _ := p.push(bad); status != http.StatusUnprocessableEntity {
		t.Fatalf("push of a bad bundle: %d", status)
	}

	if diff := cmp.Diff(map[string]string{"www.pem": string(old.Data)}, p.certificates()); diff != "" {
		t.Errorf("certificates after a refusal (-want +got):\n%s", diff)
	}

	better := p.bundle(site{Certificate: "certs/new.pem"})
	better.Certificates = bad.Certificates
	p.mustPush(better)
	if got := p.servedSerial(); got != 300 {
		t.Errorf("the new certificate is not served at once: serial number %d", got)
	}
	if diff := cmp.Diff(map[string]string{"www.pem": string(renewed.Data), "new.pem": string(added.Data)}, p.certificates()); diff != "" {
		t.Errorf("certificates after a good bundle (-want +got):\n%s", diff)
	}
}

// certificates are the files that nginx may read.
func (p *plane) certificates() map[string]string {
	p.t.Helper()
	dir := filepath.Join(p.options.RunDir, "certs")
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			p.t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

func TestConfigurationThatNginxDoesNotSurviveIsRefusedAndTheOldOneServes(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(p *plane) (hash, answer string){
		"after another bundle": func(p *plane) (string, string) {
			b := p.bundle(site{Extra: "location = /old { return 200 old; }"})
			p.mustPush(b)
			return b.Hash(), "old"
		},
		"as the first bundle": func(*plane) (string, string) { return "", "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t).run()
			hash, answer := prepare(p)
			// More than the deaths after which the agent gives up.
			for i := range 8 {
				deadly, gate := p.gated(i)
				status, state := p.dieOf(deadly, gate)
				want := &bundle.Refusal{Hash: deadly.Hash(), Message: "nginx exited while loading the configuration: signal: killed"}
				if diff := cmp.Diff(want, state.Refused); diff != "" || status != http.StatusUnprocessableEntity || state.Hash != hash {
					t.Fatalf("push: %d, %s live, want %s; refusal (-want +got):\n%s", status, state.Hash, hash, diff)
				}
				if _, got := p.fetch("/old"); answer != "" && got != answer {
					t.Errorf("the old bundle answers %q", got)
				}
			}
			if got := p.metric("gatewright_nginx_restarts_total"); got != "8" {
				t.Errorf("%s restarts", got)
			}
			p.mustPush(p.bundle(site{Extra: "location = /new { return 204; }"}))
			if status, body := p.fetch("/new"); status != http.StatusNoContent {
				t.Errorf("the next bundle answers %d %q", status, body)
			}
		})
	}
}

// gated returns a bundle whose configuration nginx never reads to its end. That
// it has come to the gate shows when that can be opened for writing.
func (p *plane) gated(i int) (b bundle.Bundle, gate string) {
	p.t.Helper()
	dir := p.t.TempDir()
	gate, wall := filepath.Join(dir, "gate.conf"), filepath.Join(dir, "wall.conf")
	for _, path := range []string{gate, wall} {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return p.bundle(site{Extra: fmt.Sprintf("location = /%d { return 204; } include %s; include %s;", i, gate, wall)}), gate
}

// dieOf pushes the bundle and kills nginx's master when it is at the gate.
func (p *plane) dieOf(b bundle.Bundle, gate string) (int, bundle.State) {
	p.t.Helper()
	master := p.master()
	type answer struct {
		status int
		body   string
		err    error
	}
	answers := make(chan answer, 1)
	data := encoded(p.t, b)
	go func() {
		status, body, err := p.request(p.operator, http.MethodPut, bundle.PathBundle, data)
		answers <- answer{status, body, err}
	}()
	killed := make(chan error, 1)
	go func() { killed <- killAtGate(gate, func() (int, error) { return master, nil }) }()
	select {
	case err := <-killed:
		if err != nil {
			p.t.Fatal(err)
		}
	case a := <-answers:
		p.t.Fatalf("answered %d %q (%v) before nginx came to the gate", a.status, a.body, a.err)
	}
	a := <-answers
	if a.err != nil {
		p.t.Fatal(a.err)
	}
	return a.status, decodeState(p.t, a.body)
}

// killAtGate kills the process when it has come to the gate.
func killAtGate(gate string, process func() (int, error)) error {
	f, err := os.OpenFile(gate, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	pid, err := process()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

func TestStoredBundleThatNginxDoesNotSurviveLeavesAPodThatTakesAnother(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	deadly, gate := p.gated(0)
	store(t, p, encoded(t, deadly))
	killed := make(chan error, 1)
	go func() { killed <- killAtGate(gate, p.readMaster) }()
	p.run()
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	if state := p.state(); state.Hash != "" || state.Refused == nil || state.Refused.Hash != deadly.Hash() {
		t.Errorf("state %+v, want the stored bundle refused", state)
	}
	p.mustPush(p.bundle(site{}))
}

const (
	// warmUpRefusals are what nginx may need memory for, refusals what it may not.
	warmUpRefusals = 5
	refusals       = 100
	// mostOfMaster is how much larger its master may become.
	mostOfMaster = 1.1
)

func TestManyRefusalsInARowCostNoMemory(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	certificate := p.pki.serving(t, "certs/www.pem", 1)
	large := func(revision int, last string) bundle.Bundle {
		var servers strings.Builder
		for i := range 50 {
			fmt.Fprintf(&servers, "server { listen %s ssl; server_name ~^%d-%d[.]; location ~ ^/x%d { return 204; } }\n", p.https, revision, i, i)
		}
		b := p.bundle(site{Certificate: "certs/www.pem", ExtraServers: "ssl_certificate $dynamic" + p.options.RunDir + "/certs/www.pem;" +
			"ssl_certificate_key $dynamic" + p.options.RunDir + "/certs/www.pem;" + servers.String() + last})
		b.Certificates = []bundle.File{certificate}
		return b
	}
	p.mustPush(large(0, ""))
	refused := func(revision int) {
		if status, state := p.push(large(revision, "nonsense on;")); status != http.StatusUnprocessableEntity {
			t.Fatalf("push of a bad bundle: %d %+v", status, state)
		}
	}
	for i := range warmUpRefusals {
		refused(i)
	}
	before := p.resident(p.master())
	for i := range refusals {
		refused(warmUpRefusals + i)
	}
	after := p.resident(p.master())
	t.Logf("nginx's master has %d KiB, after %d refusals %d KiB", before, refusals, after)
	if float64(after) > mostOfMaster*float64(before) {
		t.Errorf("nginx's master has grown from %d to %d KiB", before, after)
	}
}

// resident is the process's memory (proc_pid_status(5)), in KiB.
func (p *plane) resident(pid int) int {
	p.t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		p.t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(text), "VmRSS:")
	var size int
	if _, err := fmt.Sscanf(value, "%d kB", &size); err != nil {
		p.t.Fatal(err)
	}
	return size
}
