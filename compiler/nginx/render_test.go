package nginx

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/graph"
)

func TestSameGatewayRendersTheSameBundle(t *testing.T) {
	t.Parallel()
	first, _ := gatewayWithEverything()
	for range 20 {
		again, _ := gatewayWithEverything()
		if diff := cmp.Diff(Render(first, Templates{}), Render(again, Templates{})); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestBundleSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	g, _ := gatewayWithEverything()
	g.Source.Namespace, g.Source.Name, g.Source.Generation = "infra", "home", 7
	g.Config.DrainTimeout = 90 * time.Minute
	b := Render(g, Templates{})
	if b.Gateway != "infra/home" || b.Generation != 7 || b.DrainSeconds != 5400 {
		t.Errorf("got Gateway %q, generation %d, drain %d s", b.Gateway, b.Generation, b.DrainSeconds)
	}
	if want := "worker_shutdown_timeout 90m;"; !strings.Contains(joinFiles(b.Files), want) {
		t.Errorf("nginx is not told %q", want)
	}
}

// What must not need a reload does not change the files.
func TestFilesStayTheSame(t *testing.T) {
	t.Parallel()
	g, p := gatewayWithEverything()
	before := Render(g, Templates{})
	for name, change := range map[string]func(){
		"when endpoints come": func() {
			for i := range 300 {
				p.upstream.Endpoints = append(p.upstream.Endpoints, bundle.Endpoint{Address: fmt.Sprintf("10.1.%d.%d", i/250, i%250), Port: 80, Weight: 1})
			}
		},
		"when a pod may take longer to end": func() { g.Config.TerminationGracePeriod = time.Hour },
		"when a certificate is renewed":     func() { p.certificate.PEM = []byte("new") },
		"when that for backends is renewed": func() { p.client.PEM = []byte("newer") },
		"when the Gateway's labels change":  func() { g.Source.Generation++ },
	} {
		change()
		after := Render(g, Templates{})
		if before.ConfigHash() != after.ConfigHash() {
			t.Errorf("%s, a reload is needed", name)
		}
		if before.Hash() == after.Hash() {
			t.Errorf("%s, the data plane is not told", name)
		}
		before = after
	}
}

func TestZoneGrowsInSteps(t *testing.T) {
	t.Parallel()
	sizes := map[int]string{}
	for _, n := range []int{1, 64, 65, 100, 1000} {
		c := newCompilation(&graph.Gateway{})
		for i := range n {
			c.upstreams[fmt.Sprint(i)] = &graph.Upstream{}
		}
		sizes[n] = c.upstreamBlocks()[0].ZoneSize.String()
	}
	want := map[int]string{1: "4m", 64: "4m", 65: "8m", 100: "8m", 1000: "64m"}
	if diff := cmp.Diff(want, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestFewUpstreamsKeepMoreIdleConnectionsThanMany(t *testing.T) {
	t.Parallel()
	got := map[int]int{}
	for _, n := range []int{1, 64, 65, 300, 1000, 5000} {
		got[n] = idleConnections(n)
	}
	want := map[int]int{1: 512, 64: 512, 65: 256, 300: 64, 1000: 32, 5000: 32}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyUpstreamsThatLocationsUseAreInTheBundle(t *testing.T) {
	t.Parallel()
	g, p := gatewayWithEverything()
	unconditional := &graph.Rule{
		Index:    3,
		Matches:  []graph.Match{{PathKind: graph.PathPrefix, Path: "/"}},
		Upstream: &graph.Upstream{ID: "everything", Endpoints: p.upstream.Endpoints},
	}
	never := *unconditional
	never.Index = 4
	never.Upstream = &graph.Upstream{ID: "never", Endpoints: p.upstream.Endpoints}
	p.route.Rules = append(p.route.Rules, unconditional, &never)
	b := Render(g, Templates{})
	var ids []string
	for _, u := range b.Upstreams {
		ids = append(ids, u.ID)
	}
	if diff := cmp.Diff([]string{"everything", "m", "s", "u"}, ids); diff != "" {
		t.Error(diff)
	}
	for _, id := range ids {
		if !strings.Contains(joinFiles(b.Files), "upstream "+id+" {") {
			t.Errorf("there is no upstream %s", id)
		}
	}
}

func TestListenerThatDoesNotServeHasNoServer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*graph.Listener){
		"not accepted":         func(l *graph.Listener) { l.Accepted.True = false },
		"conflicted":           func(l *graph.Listener) { l.Conflicted.True = true },
		"without certificates": func(l *graph.Listener) { l.Certificates = nil },
	} {
		g, p := gatewayWithEverything()
		change(p.listener)
		if strings.Contains(joinFiles(Render(g, Templates{}).Files), "server_name l.example.com") {
			t.Errorf("a listener that is %s has a server", name)
		}
	}
}

func TestCertificatesOfDifferentSecretsHaveDifferentFiles(t *testing.T) {
	t.Parallel()
	c := newCompilation(&graph.Gateway{})
	long := strings.Repeat("s", 253)
	var paths []string
	for _, names := range [][2]string{{"a-b", "c"}, {"a", "b-c"}, {"a", long + "1"}, {"a", long + "2"}} {
		cert := graph.Certificate{}
		cert.Secret.Namespace, cert.Secret.Name = names[0], names[1]
		path := c.certificate(cert).String()
		if slices.Contains(paths, path) {
			t.Errorf("%v shares its file %s", names, path)
		}
		if name := path[strings.LastIndexByte(path, '/')+1:]; len(name) > 255 {
			t.Errorf("the file name %s is too long", name)
		}
		paths = append(paths, path)
	}
}

func TestHostnamesThatCoverOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hostname, other string
		want            bool
	}{
		{"", "", true},
		{"", "a.example.com", true},
		{"a.example.com", "", false},
		{"a.example.com", "a.example.com", true},
		{"*.example.com", "a.example.com", true},
		{"*.example.com", "a.b.example.com", true},
		{"*.example.com", "*.b.example.com", true},
		{"*.example.com", "*.example.com", true},
		{"*.b.example.com", "*.example.com", false},
		{"*.example.com", "example.com", false},
		{"*.example.com", "notexample.com", false},
		{"*.example.com", "", false},
	} {
		if got := covers(c.hostname, c.other); got != c.want {
			t.Errorf("%q covers %q: %v", c.hostname, c.other, got)
		}
	}
}
