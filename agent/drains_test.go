package agent_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// nextSite differs from the others in one location.
func nextSite(i int) site {
	return site{Drain: 3600, Extra: "location = /" + strconv.Itoa(i) + " { return 204; }"}
}

func (p *plane) drains(want ...bundle.Drain) {
	p.t.Helper()
	var got []bundle.Drain
	p.eventually("the reload's drain is told", func() bool {
		got = p.state().Drains
		return len(got) >= len(want)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("drains (-want +got):\n%s", diff)
	}
}

// keepAlive makes a request over a connection that stays open for a next one.
func (p *plane) keepAlive(path string) {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	p.t.Cleanup(client.CloseIdleConnections)
	response, err := client.Get("http://" + p.http + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		p.t.Fatal(err)
	}
}

func TestAReloadTellsHowManyWebsocketsItDrains(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	web := upstream("web", backend(t, "web"))
	p.mustPush(p.bundle(nextSite(0), web))
	sockets := []*websocket.Conn{p.socket("/web"), p.socket("/web"), p.socket("/web")}
	// Connections that are kept for a next request are no websockets.
	for range 3 {
		p.keepAlive("/web")
	}

	p.mustPush(p.bundle(nextSite(1), web))
	p.drains(bundle.Drain{Reload: 2, Websockets: 3, Seconds: 3600})
	if got := p.metric("gatewright_nginx_draining_websockets"); got != "3" {
		t.Errorf("%s websockets drain, want 3", got)
	}

	// Those that drain already are no concern of the next reload.
	later := p.socket("/web")
	p.mustPush(p.bundle(nextSite(2), web))
	p.drains(bundle.Drain{Reload: 2, Websockets: 3, Seconds: 3600}, bundle.Drain{Reload: 3, Websockets: 1, Seconds: 3600})
	for _, c := range append(sockets, later) {
		if err := talk(t, c, "still here"); err != nil {
			t.Error(err)
		}
		c.CloseNow()
	}
	p.eventually("nothing drains any more", func() bool { return p.metric("gatewright_nginx_draining_websockets") == "0" })
}

func TestWebsocketsThroughTheHopDrainToo(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	address := backend(t, "web")
	with := func(extra string) bundle.Bundle {
		b := p.hopBundle(address, bundle.HopRule{ID: "web"})
		b.Files[0].Data = append(b.Files[0].Data, extra...)
		b.DrainSeconds = 60
		return b
	}
	p.mustPush(with(""))
	p.socket("/web")
	p.socket("/web")
	p.mustPush(with("\n# another one\n"))
	p.drains(bundle.Drain{Reload: 2, Websockets: 2, Seconds: 60})
}

func TestNoMoreGenerationsDrainThanTheLimitAndWhatIsCutIsTold(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.options.MaxDrainingGenerations = 2
	p.run()
	web := upstream("web", backend(t, "web"))
	var sockets []*websocket.Conn
	for i := range 6 {
		p.mustPush(p.bundle(nextSite(i), web))
		if old := len(p.workers()) - 2; old > 2 {
			t.Errorf("after reload %d there are %d old workers, want one for each of 2 websockets", 1+i, old)
		}
		sockets = append(sockets, p.socket("/web"))
	}
	for i, c := range sockets {
		if err := talk(t, c, "here?"); (err == nil) != (i >= 3) {
			t.Errorf("the websocket of generation %d: %v", i, err)
		}
	}
	if got := p.metric("gatewright_nginx_websockets_cut_total"); got != "3" {
		t.Errorf("%s websockets were cut, want 3", got)
	}
	p.eventually("the reloads that cut them say so", func() bool {
		cut := 0
		for _, d := range p.state().Drains {
			cut += d.Cut
		}
		return cut == 3
	})
}

func TestABurstOfReloadsCostsNoWebsocketOfBeforeIt(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.options.MaxDrainingGenerations = 1
	p.run()
	web := upstream("web", backend(t, "web"))
	p.mustPush(p.bundle(nextSite(0), web))
	socket := p.socket("/web")
	for i := range 10 {
		p.mustPush(p.bundle(nextSite(1+i), web))
		// The worker that keeps this connection does not end at once.
		p.keepAlive("/web")
		if err := talk(t, socket, "still here"); err != nil {
			t.Fatalf("the websocket after %d reloads: %v", 1+i, err)
		}
		if old := len(p.workers()) - 2; old > 2+4*2 {
			t.Errorf("%d old workers", old)
		}
	}
	if got := p.metric("gatewright_nginx_websockets_cut_total"); got != "0" {
		t.Errorf("%s websockets were cut", got)
	}
}
