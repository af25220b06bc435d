package nginx

import (
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler/graph"
)

func TestAnUpstreamThatNobodyCanTrustGetsNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(p places){
		"one that is refused":                      func(p places) { p.upstream.TLS, p.upstream.Refused = nil, true },
		"one whose certificate nginx cannot check": func(p places) { p.upstream.TLS.URIs = []string{"spiffe://example.net/a"} },
		"one whose name does not print":            func(p places) { p.upstream.TLS.Hostname = "a b" },
	} {
		g, p := gatewayWithEverything()
		spoil(p)
		// Copies to it have their own way, by the hop.
		p.rule.Mirrors = nil
		b := Render(g, Templates{})
		if files := joinFiles(b.Files); strings.Contains(files, "proxy_pass http") {
			t.Errorf("%s: nginx sends requests on:\n%s", name, files)
		}
	}
}

func TestOneFileForAllWhoTrustTheSame(t *testing.T) {
	t.Parallel()
	g, p := gatewayWithEverything()
	p.rule.Mirrors[0].Upstream.TLS = &graph.BackendTLS{Hostname: "m", Authorities: []byte("other")}
	count := 0
	for _, f := range Render(g, Templates{}).Files {
		if strings.HasPrefix(f.Path, "ca/") {
			count++
		}
	}
	// Those of clients and of one backend are the same.
	if count != 2 {
		t.Errorf("%d files of authorities, want 2", count)
	}
}

func TestTheSystemsAuthoritiesAreThoseOfTheImage(t *testing.T) {
	t.Parallel()
	g, p := gatewayWithEverything()
	p.upstream.TLS.Authorities = nil
	const want = "proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;"
	if files := joinFiles(Render(g, Templates{}).Files); !strings.Contains(files, want) {
		t.Errorf("without %q:\n%s", want, files)
	}
}

func TestDecryptedConnectionsGetTLSOrNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		upstream graph.Upstream
		want     string
	}{
		"by TLS":                                {graph.Upstream{TLS: &graph.BackendTLS{Hostname: "b"}}, "proxy_ssl_name b;"},
		"without a policy":                      {graph.Upstream{}, "proxy_pass s;"},
		"whose policy is invalid":               {graph.Upstream{Refused: true}, `return "";`},
		"with a certificate for other names":    {graph.Upstream{TLS: &graph.BackendTLS{Hostname: "b", DNSNames: []string{"c"}}}, `return "";`},
		"with a name that does not print":       {graph.Upstream{TLS: &graph.BackendTLS{Hostname: "b c"}}, `return "";`},
		"with a name that would end the string": {graph.Upstream{TLS: &graph.BackendTLS{Hostname: "b;"}}, `return "";`},
	} {
		g, p := gatewayWithEverything()
		// The route of the listener that passes on.
		decrypting := *p.streamListener
		decrypting.Routes = g.Listeners[3].Routes
		decrypting.Hostname = ""
		test.upstream.ID, test.upstream.Endpoints = "s", p.upstream.Endpoints
		decrypting.Routes[0].Route.Rules[0].Upstream = &test.upstream
		g.Listeners = []*graph.Listener{&decrypting}
		files := joinFiles(Render(g, Templates{}).Files)
		_, behind, _ := strings.Cut(files, ":29511 ssl")
		behind, _, _ = strings.Cut(behind, "\n}")
		if !strings.Contains(behind, test.want) {
			t.Errorf("a backend %s, want %s:\n%s", name, test.want, behind)
		}
	}
}
