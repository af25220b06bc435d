package agent_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestEndpointChangeMovesTrafficWithoutReloadWhileAWebsocketStaysOpen(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	old, fresh := backend(t, "old"), backend(t, "fresh")
	first := p.mustPush(p.bundle(site{}, upstream("web", old)))
	if status, body := p.fetch("/web"); status != http.StatusOK || body != "old" {
		t.Fatalf("before the change: %d %q", status, body)
	}
	socket := p.socket("/web")

	second := p.mustPush(p.bundle(site{}, upstream("web", fresh)))

	p.eventually("the new endpoint serves", func() bool {
		_, body := p.fetch("/web")
		return body == "fresh"
	})
	if err := talk(t, socket, "still here"); err != nil {
		t.Errorf("the websocket to the old endpoint: %v", err)
	}
	if second.Reloads != first.Reloads {
		t.Errorf("reloads went from %d to %d", first.Reloads, second.Reloads)
	}
}

func TestReloadKeepsAnOpenWebsocketAndServesTheNewRouteAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	address := backend(t, "web")
	first := p.mustPush(p.bundle(site{}, upstream("web", address)))
	socket := p.socket("/web")

	second := p.mustPush(p.bundle(site{}, upstream("web", address), upstream("added", address)))

	if status, body := p.fetch("/added"); status != http.StatusOK {
		t.Errorf("the new route answers %d %q", status, body)
	}
	if err := talk(t, socket, "still here"); err != nil {
		t.Errorf("the websocket opened before the reload: %v", err)
	}
	if second.Reloads != first.Reloads+1 {
		t.Errorf("reloads went from %d to %d, want one more", first.Reloads, second.Reloads)
	}
}

func TestRefusedBundleKeepsTheOldOneAndSaysWhyInNginxsWords(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	good := p.bundle(site{}, upstream("web", backend(t, "web")))
	p.mustPush(good)

	bad := p.bundle(site{Extra: "nonsense on;"}, good.Upstreams...)
	status, state := p.push(bad)

	if status != http.StatusUnprocessableEntity || state.Refused == nil {
		t.Fatalf("push of a bad bundle: %d %+v", status, state)
	}
	if got := state.Refused.Message; !strings.Contains(got, `unknown directive "nonsense" in nginx.conf:`) ||
		strings.Contains(got, p.options.RunDir) {
		t.Errorf("message %q, want nginx's words without our directories", got)
	}
	if state.Refused.Hash != bad.Hash() || state.Hash != good.Hash() {
		t.Errorf("state %+v, want %s live and %s refused", state, good.Hash(), bad.Hash())
	}
	if status, body := p.fetch("/web"); status != http.StatusOK {
		t.Errorf("the old bundle answers %d %q", status, body)
	}
	if again := p.mustPush(good); again.Refused != nil {
		t.Errorf("the refusal outlives a good bundle: %+v", again.Refused)
	}
}

func TestConfigurationThatOnlyTheReloadRefusesIsSwappedBack(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	good := p.bundle(site{}, upstream("web", backend(t, "web")))
	p.mustPush(good)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bad := p.bundle(site{ExtraServers: "server { listen " + taken.Addr().String() + "; return 204; }"}, good.Upstreams...)

	status, state := p.push(bad)

	if status != http.StatusUnprocessableEntity || state.Refused == nil || !strings.Contains(state.Refused.Message, "bind()") {
		t.Fatalf("push with a taken port: %d %+v %+v", status, state, state.Refused)
	}
	if status, _ := p.fetch("/web"); status != http.StatusOK || state.Hash != good.Hash() {
		t.Errorf("the old bundle answers %d; state %+v", status, state)
	}
	if live, err := os.ReadFile(filepath.Join(p.options.RunDir, "conf/nginx.conf")); err != nil || string(live) != string(good.Files[0].Data) {
		t.Errorf("the linked configuration is not the live one (%v)", err)
	}

	taken.Close()
	p.mustPush(bad)
	if status, body := fetch(t, "http://"+taken.Addr().String()); status != http.StatusNoContent {
		t.Errorf("the freed port answers %d %q", status, body)
	}
}

func TestStoredBundleIsServedAtStartWithoutAnOperator(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	b := p.bundle(site{}, upstream("web", backend(t, "web")))
	b.ListenerSets = map[string]int64{"shop/shop": 3}
	store(t, p, encoded(t, b))

	p.run()

	p.eventually("the pod is ready", func() bool { status, _ := p.health("/readyz"); return status == http.StatusOK })
	if status, body := p.fetch("/web"); status != http.StatusOK || body != "web" {
		t.Errorf("the stored bundle answers %d %q", status, body)
	}
	if got := p.state(); got.Hash != b.Hash() || got.Generation != b.Generation || got.ListenerSets["shop/shop"] != 3 {
		t.Errorf("state %+v, want %s live", got, b.Hash())
	}
}

func TestWithoutAUsableStoredBundleThePodIsAliveButNotReadyUntilAPush(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]func(p *plane) []byte{
		"none":             func(*plane) []byte { return nil },
		"damaged":          func(*plane) []byte { return []byte("not gzip") },
		"refused by nginx": func(p *plane) []byte { return encoded(p.t, p.bundle(site{Extra: "nonsense on;"})) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t)
			if data := stored(p); data != nil {
				store(t, p, data)
			}
			p.run()
			if status, body := p.health("/readyz"); status != http.StatusServiceUnavailable {
				t.Errorf("readyz answers %d %q", status, body)
			}
			if status, body := p.health("/livez"); status != http.StatusOK {
				t.Errorf("livez answers %d %q", status, body)
			}
			p.mustPush(p.bundle(site{}))
			if status, body := p.health("/readyz"); status != http.StatusOK {
				t.Errorf("readyz after a push answers %d %q", status, body)
			}
		})
	}
}

func store(t *testing.T, p *plane, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.options.StoredDir, bundle.StoredKey), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGenerationsAndCertificatesOfTheLiveAndThePreviousBundleAreKeptAndNoOthers(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	var hashes []string
	for _, name := range []string{"one", "two", "three"} {
		b := p.bundle(site{Extra: "location = /" + name + " { return 204; }"})
		b.Certificates = []bundle.File{p.pki.serving(t, "certs/"+name+".pem", 10)}
		p.mustPush(b)
		hashes = append(hashes, b.ConfigHash())
	}
	want := append(slices.Sorted(slices.Values(hashes[1:])), "boot")
	if got := names(t, filepath.Join(p.options.RunDir, "generations")); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("generations %v, want %v", got, want)
	}
	if got := names(t, filepath.Join(p.options.RunDir, "certs")); !slices.Equal(got, []string{"three.pem", "two.pem"}) {
		t.Errorf("certificates %v", got)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
