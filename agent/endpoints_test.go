package agent_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// families are the ways in which a configuration may name the resolver.
var families = map[string]string{"asks for both families": "", "asks for IPv4 only": "ipv6=off"}

func TestUpstreamWithoutEndpointsAnswers503AndRecoversWithoutReload(t *testing.T) {
	t.Parallel()
	sentinelPort(t)
	p := newPlane(t).run()
	address := backend(t, "web")
	s := site{Sentinel: true}
	first := p.mustPush(p.bundle(s, upstream("web", address)))
	p.eventually("the endpoint serves", func() bool { status, _ := p.fetch("/web"); return status == http.StatusOK })

	for name, none := range map[string]bundle.Upstream{
		"the sentinel":          upstream("web", "127.0.0.1:29503"),
		"an empty list":         upstream("web"),
		"endpoints of weight 0": {ID: "web", Endpoints: []bundle.Endpoint{{Address: "127.0.0.1", Port: 1}}},
	} {
		p.mustPush(p.bundle(s, none))
		p.eventually(name+" answers 503", func() bool { status, _ := p.fetch("/web"); return status == http.StatusServiceUnavailable })
		last := p.mustPush(p.bundle(s, upstream("web", address)))
		p.eventually("the endpoint serves again", func() bool { status, _ := p.fetch("/web"); return status == http.StatusOK })
		if last.Reloads != first.Reloads {
			t.Errorf("reloads went from %d to %d", first.Reloads, last.Reloads)
		}
	}
}

func TestLargeUpstreamIsSpreadOverSetsAndEveryEndpointServes(t *testing.T) {
	t.Parallel()
	for name, options := range families {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlane(t).run()
			large, many := backendOn(t, "0.0.0.0:0", "many"), 700
			_, port, _ := net.SplitHostPort(large)
			var addresses []string
			for i := range many {
				addresses = append(addresses, fmt.Sprintf("127.9.%d.%d:%s", i/250, i%250+1, port))
			}
			s := site{ResolverOptions: options, Extra: `add_header Endpoint $upstream_addr always;`}
			first := p.mustPush(p.bundle(s, upstream("web", addresses...)))
			p.eventually("every endpoint has served", p.serves("/web", addresses))

			fewer := addresses[:400]
			last := p.mustPush(p.bundle(s, upstream("web", fewer...)))
			p.eventually("only the rest serves", p.servesOnly("/web", fewer))
			if last.Reloads != first.Reloads {
				t.Errorf("reloads went from %d to %d", first.Reloads, last.Reloads)
			}
		})
	}
}

// serves tells whether, over time, all these endpoints have answered.
func (p *plane) serves(path string, addresses []string) func() bool {
	missing := map[string]bool{}
	for _, a := range addresses {
		missing[a] = true
	}
	return func() bool {
		for range len(addresses) {
			delete(missing, p.endpointOf(path))
		}
		return len(missing) == 0
	}
}

// servesOnly tells whether a long row of requests went to these endpoints only.
func (p *plane) servesOnly(path string, addresses []string) func() bool {
	known := map[string]bool{}
	for _, a := range addresses {
		known[a] = true
	}
	return func() bool {
		for range 3 * len(addresses) {
			if !known[p.endpointOf(path)] {
				return false
			}
		}
		return true
	}
}

func (p *plane) endpointOf(path string) string {
	response, err := http.Get("http://" + p.http + path)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	return response.Header.Get("Endpoint")
}

func TestEndpointsOfTwoHundredPodsAreAnsweredOverTCP(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	_, port, _ := net.SplitHostPort(backendOn(t, "0.0.0.0:0", "many"))
	var addresses []string
	for i := range 200 {
		addresses = append(addresses, fmt.Sprintf("127.8.0.%d:%s", i+1, port))
	}
	s := site{Extra: `add_header Endpoint $upstream_addr always;`}
	p.mustPush(p.bundle(s, upstream("web", addresses...)))
	p.eventually("every endpoint has served", p.serves("/web", addresses))
	p.mustPush(p.bundle(s, upstream("web", addresses[:150]...)))
	p.eventually("only the rest serves", p.servesOnly("/web", addresses[:150]))
}

func TestIPv6EndpointsServeAloneAndBesideIPv4(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	v4, v6 := backendOn(t, "127.0.0.1:0", "v4"), backendOn(t, "[::1]:0", "v6")
	s := site{Extra: `add_header Endpoint $upstream_addr always;`}
	first := p.mustPush(p.bundle(s, upstream("web", v4)))
	p.eventually("IPv4 serves", p.servesOnly("/web", []string{v4}))
	p.mustPush(p.bundle(s, upstream("web", v6)))
	p.eventually("IPv6 serves alone", p.servesOnly("/web", []string{v6}))
	last := p.mustPush(p.bundle(s, upstream("web", v4, v6)))
	p.eventually("both serve", p.serves("/web", []string{v4, v6}))
	if last.Reloads != first.Reloads {
		t.Errorf("reloads went from %d to %d", first.Reloads, last.Reloads)
	}
}

func TestWeightsChangeWithoutReload(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	heavy, light := backend(t, "heavy"), backend(t, "light")
	split := func(weight uint16) bundle.Upstream {
		u := upstream("web", heavy, light)
		u.Endpoints[0].Weight = weight
		return u
	}
	first := p.mustPush(p.bundle(site{Workers: 1}, split(1)))
	p.eventually("an even split", func() bool { return p.shareOf("heavy") == 50 })
	last := p.mustPush(p.bundle(site{Workers: 1}, split(9)))
	p.eventually("a split of 9 to 1", func() bool { return p.shareOf("heavy") == 90 })
	if last.Reloads != first.Reloads {
		t.Errorf("reloads went from %d to %d", first.Reloads, last.Reloads)
	}
}

// shareOf is how many of a hundred requests the backend answers. nginx's
// weighted round robin is exact over a whole number of rounds.
func (p *plane) shareOf(name string) int {
	n := 0
	for range 100 {
		if _, body := p.fetch("/web"); body == name {
			n++
		}
	}
	return n
}

func TestManyUpstreamsAtRestAreHeldAndFollowChanges(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	old, fresh := backend(t, "old"), backend(t, "fresh")
	table := func(address string) []bundle.Upstream {
		var list []bundle.Upstream
		for i := range 300 {
			list = append(list, upstream("web-"+strconv.Itoa(i), address))
		}
		return list
	}
	p.mustPush(p.bundle(site{}, table(old)...))
	p.eventually("one query of each upstream is held", func() bool {
		return p.metric("gatewright_agent_dns_queries_held") == "300"
	})
	p.mustPush(p.bundle(site{}, table(fresh)...))
	for i := range 300 {
		p.eventually("every upstream follows", func() bool {
			_, body := p.fetch("/web-" + strconv.Itoa(i))
			return body == "fresh"
		})
	}
}

func TestAPatchMovesEndpointsAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	p := newPlane(t).run()
	one, two := backend(t, "one"), backend(t, "two")
	s := site{}
	b := p.bundle(s, upstream("api", one), upstream("web", one))
	first := p.mustPush(b)
	p.eventually("the endpoint serves", func() bool { status, body := p.fetch("/web"); return status == http.StatusOK && body == "one" })

	next := b
	next.Upstreams, _, _ = bundle.Replace(b.Upstreams, b.Hashes(), []bundle.Upstream{upstream("web", two)})
	patch := bundle.Patch{Base: b.Hash(), Next: next.Hash(), Upstreams: []bundle.Upstream{upstream("web", two)}}
	status, state := p.patch(patch)
	if status != http.StatusOK || state.Hash != next.Hash() || state.Reloads != first.Reloads {
		t.Fatalf("patch: %d, %+v", status, state)
	}
	p.eventually("the new endpoint serves", func() bool { _, body := p.fetch("/web"); return body == "two" })
	if _, body := p.fetch("/api"); body != "one" {
		t.Errorf("the other upstream answers %q", body)
	}
	if status, state := p.patch(patch); status != http.StatusConflict || state.Hash != next.Hash() {
		t.Errorf("a patch for what was served before: %d, %+v", status, state)
	}
	unknown := bundle.Patch{Base: next.Hash(), Next: "x", Upstreams: []bundle.Upstream{upstream("stranger", two)}}
	if status, _ := p.patch(unknown); status != http.StatusConflict {
		t.Errorf("a patch of an upstream that is not there: %d", status)
	}
	bad := bundle.Patch{Base: next.Hash(), Next: "x", Upstreams: []bundle.Upstream{{ID: "web", Endpoints: []bundle.Endpoint{{Address: "backend.example", Port: 80}}}}}
	if status, _, err := p.request(p.operator, http.MethodPatch, bundle.PathBundle, encodedPatch(t, bad)); err != nil || status != http.StatusBadRequest {
		t.Errorf("a patch with an endpoint that is no address: %d %v", status, err)
	}
	// What is left is what the patch made, and a push of the same changes nothing.
	last := p.mustPush(next)
	if last.Reloads != first.Reloads {
		t.Errorf("reloads went from %d to %d", first.Reloads, last.Reloads)
	}
}

func (p *plane) patch(patch bundle.Patch) (int, bundle.State) {
	p.t.Helper()
	status, body, err := p.request(p.operator, http.MethodPatch, bundle.PathBundle, encodedPatch(p.t, patch))
	if err != nil {
		p.t.Fatal(err)
	}
	return status, decodeState(p.t, body)
}

func encodedPatch(t testing.TB, patch bundle.Patch) []byte {
	t.Helper()
	data, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
