package hop_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// show answers with the request line, the Host and the headers that begin
// with X-.
func show(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Old", "old")
	w.Header().Set("X-Kept", "kept")
	fmt.Fprintf(w, "%s %s %q %q", r.Host, r.RequestURI, r.Header["X-A"], r.Header["X-B"])
}

func TestEachBackendHasItsShareOfTheRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.use(bundle.Bundle{Hop: bundle.Hop{
		Rules: []bundle.HopRule{{ID: "rule", Backends: []bundle.HopBackend{
			{Upstream: "a", Weight: 7}, {Upstream: "b", Weight: 2}, {Upstream: "invalid", Weight: 1},
		}}},
		Upstreams: []bundle.Upstream{
			upstream("a", named(t, "a"), named(t, "a")), upstream("b", named(t, "b")), upstream("invalid", "127.0.0.1:29500"),
		},
	}})
	got := map[string]int{}
	for range 200 {
		a := r.get("/")
		got[strings.TrimSpace(a.body)]++
	}
	// The rotation repeats every ten requests.
	if diff := cmp.Diff(map[string]int{"a": 140, "b": 40, "500 Internal Server Error": 20}, got); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
}

func TestEachEndpointHasItsShareOfTheRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := simple(nil, named(t, "a"), named(t, "b"), named(t, "c"))
	for i := range b.Hop.Upstreams[0].Endpoints {
		b.Hop.Upstreams[0].Endpoints[i].Weight = uint16(i + 1)
	}
	want := map[string]int{"a": 20, "b": 40, "c": 60}
	r.use(b)
	got := map[string]int{}
	for range 120 {
		got[r.get("/").want(t, http.StatusOK).body]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
}

func TestBackendsChangeTheirOwnRequestsAndResponses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	address := backend(t, show)
	r.use(bundle.Bundle{Hop: bundle.Hop{
		Upstreams: []bundle.Upstream{upstream("web", address)},
		Rules: []bundle.HopRule{{ID: "rule", Backends: []bundle.HopBackend{
			{Upstream: "web", Weight: 1},
			{
				Upstream: "web", Weight: 1,
				RequestHeaders: []bundle.HopHeaderChange{
					{Action: bundle.HopHeaderSet, Name: "x-a", Value: "set"},
					{Action: bundle.HopHeaderAdd, Name: "X-A", Value: "added"},
					{Action: bundle.HopHeaderRemove, Name: "X-B"},
				},
				ResponseHeaders: []bundle.HopHeaderChange{
					{Action: bundle.HopHeaderRemove, Name: "x-old"},
					{Action: bundle.HopHeaderAdd, Name: "X-New", Value: "new"},
				},
				Rewrite: &bundle.HopRewrite{Hostname: "other.example.org", Path: &bundle.HopPath{Prefix: "/a", Value: "/z"}},
			},
		}}},
	}})
	got := map[string]string{}
	for range 4 {
		request := r.request(http.MethodGet, "/a/b%2Fc?q", nil)
		request.Header.Set("X-A", "client")
		request.Header.Set("X-B", "client")
		a := r.do(request).want(t, http.StatusOK)
		got[a.body] = fmt.Sprint(a.header["X-Old"], a.header["X-Kept"], a.header["X-New"])
	}
	if diff := cmp.Diff(map[string]string{
		`www.example.net /a/b%2Fc?q ["client"] ["client"]`: "[old] [kept] []",
		`other.example.org /z/b%2Fc?q ["set" "added"] []`:  "[] [kept] [new]",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPathIsRewritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ path, prefix, value, want string }{
		"whole":                                 {"/a/b?q=1", "", "/new%2Fpath", "/new%2Fpath?q=1"},
		"prefix":                                {"/foo/bar", "/foo", "/xyz", "/xyz/bar"},
		"prefix, replacement with slash":        {"/foo/bar", "/foo", "/xyz/", "/xyz/bar"},
		"prefix with slash":                     {"/foo/bar", "/foo/", "/xyz", "/xyz/bar"},
		"both with slash":                       {"/foo/bar", "/foo/", "/xyz/", "/xyz/bar"},
		"prefix alone":                          {"/foo", "/foo", "/xyz", "/xyz"},
		"prefix and slash":                      {"/foo/", "/foo", "/xyz", "/xyz/"},
		"prefix by nothing":                     {"/foo/bar", "/foo", "/", "/bar"},
		"prefix and slash by nothing":           {"/foo/", "/foo", "/", "/"},
		"prefix alone by nothing":               {"/foo", "/foo", "/", "/"},
		"root":                                  {"/bar", "/", "/xyz", "/xyz/bar"},
		"encoded prefix":                        {"/f%6Fo/b%20r", "/foo", "/xyz", "/xyz/b%20r"},
		"prefix with what needs encoding":       {"/f%20o/bar", "/f o", "/xyz", "/xyz/bar"},
		"dot segments, as nginx matched them":   {"/x/../foo/./bar", "/foo", "/xyz", "/xyz/bar"},
		"dot segments that lead back in":        {"/foo/../foo/bar", "/foo", "/xyz", "/xyz/bar"},
		"encoded dot segments":                  {"/foo/%2e%2e/foo/.%2E/foo/a/.", "/foo", "/xyz", "/xyz/a/"},
		"dots that are no segments":             {"/foo/...//.a/b..", "/foo", "/xyz", "/xyz/...//.a/b.."},
		"what the rule cannot have matched":     {"/other/bar", "/foo", "/xyz", "/xyz"},
		"a longer element than the prefix's":    {"/foobar", "/foo", "/xyz", "/xyz"},
		"a percent sign that encodes nothing":   {"/foo/100%25", "/foo", "/xyz", "/xyz/100%25"},
		"encoded slash after prefix, no prefix": {"/foo%2Fbar", "/foo", "/xyz", "/xyz/bar"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.serve(func(rule *bundle.HopRule) {
				rule.Backends[0].Rewrite = &bundle.HopRewrite{Path: &bundle.HopPath{Prefix: test.prefix, Value: test.value}}
			}, backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) }))
			if got := r.get(test.path).want(t, http.StatusOK); got.body != test.want {
				t.Errorf("%s became %s, want %s", test.path, got.body, test.want)
			}
		})
	}
}

func TestRequestForNoKnownRuleIsAnsweredWith500(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil, named(t, "a"))
	request := r.request(http.MethodGet, "/", nil)
	request.Header.Set(bundle.HopHeader, "other")
	r.do(request).want(t, http.StatusInternalServerError)
	request.Header.Del(bundle.HopHeader)
	r.do(request).want(t, http.StatusInternalServerError)
	r.use(bundle.Bundle{Hop: bundle.Hop{Rules: []bundle.HopRule{{ID: "rule"}}}})
	r.get("/").want(t, http.StatusInternalServerError)
}

func TestUpstreamWithoutEndpointsIsAnsweredWith503(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.serve(nil)
	r.get("/").want(t, http.StatusServiceUnavailable)
}

func TestRulesThatContradictThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bundle.Hop){
		"a rule twice":                    func(h *bundle.Hop) { h.Rules = append(h.Rules, h.Rules[0]) },
		"an upstream twice":               func(h *bundle.Hop) { h.Upstreams = append(h.Upstreams, h.Upstreams[0]) },
		"a rule's ID with a line break":   func(h *bundle.Hop) { h.Rules[0].ID = "a\nb" },
		"an unknown upstream":             func(h *bundle.Hop) { h.Rules[0].Backends[0].Upstream = "other" },
		"an address that is none":         func(h *bundle.Hop) { h.Upstreams[0].Endpoints[0].Address = "example.org" },
		"an endpoint without a port":      func(h *bundle.Hop) { h.Upstreams[0].Endpoints[0].Port = 0 },
		"a weight of 0":                   func(h *bundle.Hop) { h.Rules[0].Backends[0].Weight = 0 },
		"a negative timeout":              func(h *bundle.Hop) { h.Rules[0].RequestTimeoutMillis = -1 },
		"a code that is no failure":       func(h *bundle.Hop) { h.Rules[0].Retry = &bundle.HopRetry{Attempts: 1, Codes: []int{200}} },
		"a change of the Host header":     headerChange("host", "a"),
		"a change of the body's length":   headerChange("Content-Length", "1"),
		"a change of the hop's header":    headerChange("gatewright-hop", "other"),
		"a header name with a space":      headerChange("X A", "1"),
		"a header value with line breaks": headerChange("X-A", "a\r\nX-B: b"),
		"an unknown action": func(h *bundle.Hop) {
			h.Rules[0].Backends[0].ResponseHeaders = []bundle.HopHeaderChange{{Action: "replace", Name: "X-A"}}
		},
		"a path with a query":      pathChange("/a?b"),
		"a path with a line break": pathChange("/a\r\nb"),
		"a relative path":          pathChange("a"),
		"a hostname with a slash": func(h *bundle.Hop) {
			h.Rules[0].Backends[0].Rewrite = &bundle.HopRewrite{Hostname: "a/b"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := simple(nil, "127.0.0.1:80")
			r := newRig(t)
			if _, err := r.hop.Prepare(b); err != nil {
				t.Fatalf("refused before the change: %s", err)
			}
			change(&b.Hop)
			if _, err := r.hop.Prepare(b); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

func headerChange(name, value string) func(*bundle.Hop) {
	return func(h *bundle.Hop) {
		h.Rules[0].Backends[0].RequestHeaders = []bundle.HopHeaderChange{{Action: bundle.HopHeaderSet, Name: name, Value: value}}
	}
}

func pathChange(path string) func(*bundle.Hop) {
	return func(h *bundle.Hop) {
		h.Rules[0].Backends[0].Rewrite = &bundle.HopRewrite{Path: &bundle.HopPath{Value: path}}
	}
}
