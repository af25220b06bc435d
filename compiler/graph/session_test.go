package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

func TestTheCookieOfASessionIsForTheMatchedPath(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind graph.PathKind
		path string
		want string
	}{
		"all paths":                         {graph.PathPrefix, "/", "/"},
		"a prefix":                          {graph.PathPrefix, "/shop/v1.0/~me_-", "/shop/v1.0/~me_-"},
		"a prefix with a slash at its end":  {graph.PathPrefix, "/shop/", "/shop"},
		"an exact path":                     {graph.PathExact, "/shop/cart", "/shop/cart"},
		"two slashes":                       {graph.PathExact, "/shop//cart", "/shop"},
		"what would end the attribute":      {graph.PathPrefix, "/shop; Domain=example.com", "/"},
		"what would end it further down":    {graph.PathPrefix, "/shop/a;b/c", "/shop"},
		"what has several encodings":        {graph.PathPrefix, "/shop/caf%C3%A9/x", "/shop"},
		"letters beyond ASCII":              {graph.PathExact, "/café", "/"},
		"a variable of nginx":               {graph.PathExact, "/shop/$host", "/shop"},
		"an expression":                     {graph.PathRegex, "/p1/p2/.*/p3", "/p1/p2"},
		"an expression in mid segment":      {graph.PathRegex, "/p1/p2.*", "/p1"},
		"an anchored expression":            {graph.PathRegex, "^/p1/(a|b)/", "/p1"},
		"an expression of plain text":       {graph.PathRegex, "/p1/p2", "/p1"},
		"an optional slash":                 {graph.PathRegex, "/p1/?x", "/"},
		"alternatives":                      {graph.PathRegex, "/p1/a|/p2/b", "/"},
		"alternatives with a common start":  {graph.PathRegex, "/p1/a/x|/p1/b", "/p1"},
		"alternatives with an anchor":       {graph.PathRegex, "^/p1/a|/p2/b", "/"},
		"an expression without case":        {graph.PathRegex, "(?i)/p1/x", "/"},
		"an escaped dot":                    {graph.PathRegex, `/v1\.0/.*`, "/v1.0"},
		"more than Go's expressions can do": {graph.PathRegex, "/p1/(?!x).*", "/"},
	}
	for name, test := range tests {
		m := graph.Match{PathKind: test.kind, Path: test.path}
		if got := m.CookiePath(); got != test.want {
			t.Errorf("%s: %s has the cookie path %q, want %q", name, test.path, got, test.want)
		}
	}
}

func TestNamesOfSessionsDependOnTheRuleAlone(t *testing.T) {
	t.Parallel()
	session := func(manifest string) *graph.Rule { return onlyRoute(t, build(t, manifest)).Rules[0] }
	first := session(rule("{name: shop, sessionPersistence: {}, backendRefs: [{name: web, port: 80}]}"))
	other := session(rule("{name: shop, sessionPersistence: {}, backendRefs: [{name: api, port: 80}, {name: missing, port: 80, weight: 3}]}"))
	if first.Session.Cookie != other.Session.Cookie || first.Upstream.ID != other.Upstream.ID {
		t.Errorf("%s at %s became %s at %s", first.Session.Cookie, first.Upstream.ID, other.Session.Cookie, other.Upstream.ID)
	}
	if !strings.HasPrefix(first.Session.Cookie, "gw-session-") {
		t.Errorf("cookie %q", first.Session.Cookie)
	}
	renamed := session(rule("{name: cart, sessionPersistence: {}, backendRefs: [{name: web, port: 80}]}"))
	if first.Session.Cookie == renamed.Session.Cookie {
		t.Errorf("two rules have the cookie %s", first.Session.Cookie)
	}
	ids := map[string]bool{first.Upstream.ID: true}
	for _, path := range []string{"/a", "/b", "/tls", "/drained"} {
		for _, secure := range []bool{false, true} {
			id := first.Session.Upstream(first.Upstream, path, secure).ID
			if ids[id] || len(id) > 63 {
				t.Errorf("path %s, TLS %v: %q", path, secure, id)
			}
			ids[id] = true
		}
	}
}

func TestASessionHasItsRulesEndpointsAndThoseOfWeightZero(t *testing.T) {
	t.Parallel()
	endpoint := func(address string, port, weight uint16) bundle.Endpoint {
		return bundle.Endpoint{Address: address, Port: port, Weight: weight}
	}
	web := []bundle.Endpoint{endpoint("10.0.0.1", 8080, 1), endpoint("10.0.0.2", 8080, 1)}
	api := []bundle.Endpoint{endpoint("10.0.1.1", 3000, 1)}
	nobody := []bundle.Endpoint{endpoint("127.0.0.1", 1, 1)}
	tests := map[string]struct {
		backends     string
		want, drains []bundle.Endpoint
	}{
		"one backend":             {"[{name: web, port: 80}]", web, nil},
		"one of weight 0":         {"[{name: web, port: 80}, {name: api, port: 80, weight: 0}]", web, api},
		"a missing one":           {"[{name: web, port: 80}, {name: missing, port: 80, weight: 0}]", web, nobody},
		"one with weight as well": {"[{name: web, port: 80}, {name: web, port: 80, weight: 0}]", web, nobody},
		"none with weight":        {"[{name: api, port: 80, weight: 0}]", []bundle.Endpoint{endpoint("127.0.0.1", bundle.InvalidBackendPort, 1)}, api},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := onlyRoute(t, build(t, rule("{sessionPersistence: {}, backendRefs: "+test.backends+"}"))).Rules[0]
			if diff := cmp.Diff(test.want, r.Upstream.Endpoints); diff != "" {
				t.Errorf("endpoints (-want +got):\n%s", diff)
			}
			var drains []bundle.Endpoint
			if u := r.Session.DrainedUpstream("/", false); u != nil {
				drains = u.Endpoints
			}
			if diff := cmp.Diff(test.drains, drains); diff != "" {
				t.Errorf("drained (-want +got):\n%s", diff)
			}
			if r.Invalid {
				t.Error("the rule is invalid")
			}
		})
	}
}

func TestHowLongTheCookieOfASessionLives(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]time.Duration{
		"{}": 0, "{type: Cookie}": 0, "{cookieConfig: {}}": 0, "{cookieConfig: {lifetimeType: Session}}": 0,
		"{cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: 8760h}": 8760 * time.Hour,
		"{cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: 1m30s}": 90 * time.Second,
	} {
		r := onlyRoute(t, build(t, rule("{sessionPersistence: "+source+", backendRefs: [{name: web, port: 80}]}"))).Rules[0]
		if r.Invalid || r.Session.Lifetime != want {
			t.Errorf("%s: %s (invalid: %v), want %s", source, r.Session.Lifetime, r.Invalid, want)
		}
	}
}

func TestSessionsThatNginxCannotKeepAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule string
		says string
	}{
		"another lifetime": {"sessionPersistence: {cookieConfig: {lifetimeType: Eternal}}", `"Eternal" is no lifetime`},
		"no end at once":   {"sessionPersistence: {cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: 0s}", "whole seconds"},
		"no duration":      {"sessionPersistence: {cookieConfig: {lifetimeType: Permanent}, absoluteTimeout: soon}", `"soon"`},
		"a line break":     {`sessionPersistence: {sessionName: "a\r\nSet-Cookie: b"}`, "is no name of a cookie"},
		"a long name":      {"sessionPersistence: {sessionName: " + strings.Repeat("x", 129) + "}", "is no name of a cookie"},
		"an equals sign":   {`sessionPersistence: {sessionName: "a=b"}`, "is no name of a cookie"},
		"a secure prefix":  {"sessionPersistence: {sessionName: __secure-x}", "browsers keep the cookie"},
		"retries":          {"{sessionPersistence: {}, retry: {attempts: 2}}", "binds no clients"},
		"authorization without backends": {
			"{sessionPersistence: {}, filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: web, port: 80}}}], backendRefs: [{name: web, port: 80, weight: 0}]}",
			"binds no clients",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.TrimSuffix(test.rule, "}")
			if strings.HasPrefix(test.rule, "{") && !strings.Contains(test.rule, "backendRefs") {
				text += ", backendRefs: [{name: web, port: 80}]}"
			} else {
				text = test.rule
			}
			g := build(t, rule(text))
			r := onlyRoute(t, g)
			if !r.Rules[0].Invalid || !strings.Contains(r.Parents[0].Accepted.Message, test.says) {
				t.Errorf("invalid: %v, accepted: %+v", r.Rules[0].Invalid, r.Parents[0].Accepted)
			}
			if all := strings.Join(append(said(g, diagnostic.Deny), said(g, diagnostic.Warn)...), "\n"); !strings.Contains(all, test.says) {
				t.Errorf("said %q", all)
			}
		})
	}
}
