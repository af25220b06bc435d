package agent_test

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// countingSite has one websocket at /limited at most, and any number at /web.
func countingSite(generation int) site {
	return site{
		Workers: 1, Drain: 3600,
		Extra: `
        location /limited {
            limit_conn gw_websockets 1;
            proxy_http_version 1.1;
            proxy_read_timeout 1h;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_pass http://web;
        }
        location = /` + strconv.Itoa(generation) + ` { return 204; }`,
		ExtraServers: `
    map $http_upgrade $gw_websocket { default ''; websocket counted; }
    include websockets.conf;`,
	}
}

// refused says whether one more websocket at /limited is refused.
func (p *plane) refused() bool {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	// A connection of its own: one that is kept alive may lead to an old worker.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, response, err := websocket.Dial(ctx, "ws://"+p.http+"/limited",
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err == nil {
		c.CloseNow()
		return false
	}
	if response == nil || response.StatusCode != http.StatusServiceUnavailable {
		p.t.Fatalf("open a websocket: %v", err)
	}
	return true
}

func TestWebsocketsOfOldWorkersCount(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	p.options.MaxDrainingGenerations = 1
	p.run()
	web := upstream("web", backend(t, "web"))
	generation := func(i int) bundle.Bundle { return p.bundle(countingSite(i), web) }

	p.mustPush(generation(0))
	oldest := p.socket("/limited")
	p.mustPush(generation(1))
	if !p.refused() {
		t.Error("after a reload there is room for a second websocket")
	}
	p.socket("/web")

	// The workers that have the only counted one are ended, and take nothing back.
	p.mustPush(generation(2))
	p.eventually("the oldest websocket is cut", func() bool { return talk(t, oldest, "gone?") != nil })
	if p.refused() {
		t.Error("a websocket counts that ended with its worker")
	}
	held := p.socket("/limited")
	p.mustPush(generation(3))
	if err := talk(t, held, "still here"); err != nil {
		t.Errorf("the websocket after that: %v", err)
	}
	if !p.refused() {
		t.Error("after that, websockets no longer count")
	}
}

func TestWebsocketsOfAKilledWorkerCountUntilTheNextReload(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	web := upstream("web", backend(t, "web"))
	p.mustPush(p.bundle(countingSite(0), web))
	p.socket("/limited")
	for _, pid := range p.workers() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("nginx serves again", func() bool { status, _ := p.fetch("/0"); return status == http.StatusNoContent })
	if !p.refused() {
		t.Error("nginx took back what the killed worker had counted: the agent need not")
	}
	p.mustPush(p.bundle(countingSite(1), web))
	if p.refused() {
		t.Error("a websocket counts that ended with its worker")
	}
}

// workers are the processes that serve, without those that have ended and that
// the master has not taken note of.
func (p *plane) workers() []int {
	p.t.Helper()
	children, err := readChildren(p.master())
	if err != nil {
		p.t.Fatal(err)
	}
	return slices.DeleteFunc(children, func(pid int) bool {
		title, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		return err != nil || len(title) == 0
	})
}

func readChildren(pid int) ([]int, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
	if err != nil {
		return nil, err
	}
	var children []int
	for word := range strings.FieldsSeq(string(text)) {
		child, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		children = append(children, child)
	}
	return children, nil
}
