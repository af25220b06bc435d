package agent_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// stickySite has two upstreams that bind clients to their members, as
// templates/upstream.tmpl.
func stickySite() site {
	var s site
	for _, id := range []string{"one", "two"} {
		s.ExtraServers += fmt.Sprintf(`upstream sticky-%[1]s {
			zone upstreams 64m;
			server web-%[1]s.upstream.gatewright service=http resolve;
			server old-%[1]s.upstream.gatewright service=http resolve drain;
			sticky cookie %[1]s path=/%[1]s httponly;
			keepalive 32;
			keepalive_timeout 4s;
		}
		`, id)
		s.Extra += fmt.Sprintf(`location /%[1]s { proxy_pass http://sticky-%[1]s; }
		`, id)
	}
	return s
}

// sticky is a bundle of that site: members, and those that only have the sessions
// that they have.
func (p *plane) sticky(s site, members, old []string) bundle.Bundle {
	p.t.Helper()
	if len(old) == 0 {
		// As compiler/graph does: nobody listens there.
		old = []string{"127.0.0.1:1"}
	}
	b := p.bundle(s)
	for _, id := range []string{"one", "two"} {
		b.Upstreams = append(b.Upstreams, upstream("web-"+id, members...), upstream("old-"+id, old...))
	}
	b.Sort()
	return b
}

// visitor is a client that keeps its cookies.
type visitor struct {
	p      *plane
	path   string
	cookie *http.Cookie
}

// ask returns who answers.
func (v *visitor) ask() string {
	v.p.t.Helper()
	r, err := http.NewRequestWithContext(v.p.t.Context(), http.MethodGet, "http://"+v.p.http+v.path, nil)
	if err != nil {
		v.p.t.Fatal(err)
	}
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		v.p.t.Fatal(err)
	}
	defer response.Body.Close()
	for _, c := range response.Cookies() {
		v.cookie = c
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.p.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return strconv.Itoa(response.StatusCode)
	}
	return string(body)
}

// boundTo returns a client with a session at the endpoint.
func (p *plane) boundTo(path, endpoint string) *visitor {
	p.t.Helper()
	var bound *visitor
	p.eventually("a client is bound to "+endpoint, func() bool {
		bound = &visitor{p: p, path: path}
		return bound.ask() == endpoint
	})
	return bound
}

// stays fails the test unless all of the client's requests are answered by the
// endpoint.
func (v *visitor) stays(endpoint, when string) {
	v.p.t.Helper()
	for range 50 {
		if got := v.ask(); got != endpoint {
			v.p.t.Fatalf("%s: %s answered %s instead of %s", when, v.path, got, endpoint)
		}
	}
}

func TestSessionsOutliveChangesOfEndpointsAndReloads(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	a, b, c := backend(t, "a"), backend(t, "b"), backend(t, "c")
	s := stickySite()
	push := func(s site, web, old []string) bundle.State {
		return p.mustPush(p.sticky(s, web, old))
	}
	first := push(s, []string{a, b}, nil)
	one, two := p.boundTo("/one", "b"), p.boundTo("/two", "b")
	all := func(when string) {
		t.Helper()
		one.stays("b", when)
		two.stays("b", when)
	}
	all("at first")

	push(s, []string{a, b, c}, nil)
	p.boundTo("/one", "c")
	p.boundTo("/two", "c")
	all("with one endpoint more")

	push(s, []string{b, c}, nil)
	all("with another one less")

	last := push(s, []string{c}, []string{b})
	p.eventually("new clients go elsewhere", func() bool {
		for range 20 {
			if (&visitor{p: p, path: "/one"}).ask() != "c" || (&visitor{p: p, path: "/two"}).ask() != "c" {
				return false
			}
		}
		return true
	})
	all("without weight")
	if last.Reloads != first.Reloads {
		t.Errorf("reloads went from %d to %d", first.Reloads, last.Reloads)
	}

	s.Workers = 3
	if last = push(s, []string{c}, []string{b}); last.Reloads == first.Reloads {
		t.Error("nginx was not reloaded")
	}
	all("without weight, after a reload")

	push(s, []string{b, c}, nil)
	p.boundTo("/one", "b")
	all("with weight again")
}

func TestSessionsOfAnEndpointThatLeavesGoOnElsewhere(t *testing.T) {
	t.Parallel()
	sentinelPort(t)
	p := newPlane(t).run()
	a, b := backend(t, "a"), backend(t, "b")
	s := stickySite()
	s.Sentinel = true
	p.mustPush(p.sticky(s, []string{a, b}, nil))
	one := p.boundTo("/one", "b")

	p.mustPush(p.sticky(s, []string{a}, nil))
	p.eventually("another endpoint answers", func() bool { return one.ask() == "a" })
	p.mustPush(p.sticky(s, []string{a, b}, nil))
	p.boundTo("/one", "b")
	one.stays("a", "with a new session")

	p.mustPush(p.sticky(s, nil, nil))
	p.eventually("nobody answers", func() bool { return one.ask() == "503" })
	p.mustPush(p.sticky(s, []string{a, b}, nil))
	p.eventually("somebody answers", func() bool { return one.ask() != "503" })
	one.stays(one.ask(), "with endpoints again")
}
