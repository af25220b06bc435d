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
