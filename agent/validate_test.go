package agent

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestPathOfABundlesFile(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"nginx.conf", "http.conf", "servers/www.example.net.conf", "ca/backend.pem"} {
		if err := validatePath(p); err != nil {
			t.Errorf("%q is refused: %v", p, err)
		}
	}
	for _, p := range []string{
		"", ".", "..", "/", "/etc/passwd", "../nginx.conf", "certs/../../x.conf", "certs//x.pem", "./nginx.conf", "certs/",
		"a/./b.conf", ".hidden.conf", "certs/.x.pem", "-c.conf", "a b.conf", "a\nb.conf", "a\x00.conf", `a\b.conf`, "ä.conf",
		"$x.conf", "a;b.conf", "*.conf", strings.Repeat("a", 300) + ".conf",
	} {
		if err := validatePath(p); err == nil {
			t.Errorf("%q is accepted", p)
		}
	}
}

func FuzzValidatePath(f *testing.F) {
	for _, p := range []string{"nginx.conf", "certs/x.pem", "../x", "/x", "a/../../b", "a//b", ".x", "a\\..\\b"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if validatePath(p) != nil {
			return
		}
		joined := filepath.Join("/root", p)
		if !filepath.IsLocal(p) || !strings.HasPrefix(joined, "/root/") || joined != "/root/"+p {
			t.Errorf("%q is accepted and becomes %q", p, joined)
		}
		if strings.ContainsAny(p, "\x00\n\r\t ;{}$'\"\\") || strings.Contains("/"+p, "/.") {
			t.Errorf("%q is accepted", p)
		}
	})
}

func TestBundleIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	main := bundle.File{Path: "nginx.conf"}
	key := bundle.File{Path: "ca/x.pem", Data: []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}
	web := bundle.Upstream{ID: "web", Endpoints: []bundle.Endpoint{{Address: "10.0.0.1", Port: 80, Weight: 1}}}
	for name, tc := range map[string]struct {
		bundle bundle.Bundle
		fault  string
	}{
		"no main file":                   {bundle.Bundle{}, "has no nginx.conf"},
		"a file twice":                   {bundle.Bundle{Files: []bundle.File{main, main}}, `"nginx.conf" occurs twice`},
		"the agent's own file":           {bundle.Bundle{Files: []bundle.File{main, {Path: "generation.conf"}}}, "the agent's own"},
		"a file of another kind":         {bundle.Bundle{Files: []bundle.File{main, {Path: "evil.so"}}}, `"evil.so"`},
		"a certificate among the files":  {bundle.Bundle{Files: []bundle.File{main, {Path: "certs/x.pem"}}}, `"certs/x.pem"`},
		"a path that leaves":             {bundle.Bundle{Files: []bundle.File{main, {Path: "../x.conf"}}}, `"../x.conf"`},
		"a private key among CAs":        {bundle.Bundle{Files: []bundle.File{main, key}}, `"PRIVATE KEY"`},
		"a CA file without any":          {bundle.Bundle{Files: []bundle.File{main, {Path: "ca/x.pem"}}}, "no certificate"},
		"a certificate elsewhere":        {bundle.Bundle{Files: []bundle.File{main}, Certificates: []bundle.File{{Path: "x.pem"}}}, `"x.pem"`},
		"a certificate below certs":      {bundle.Bundle{Files: []bundle.File{main}, Certificates: []bundle.File{{Path: "certs/a/x.pem"}}}, `"certs/a/x.pem"`},
		"a certificate that is garbage":  {bundle.Bundle{Files: []bundle.File{main}, Certificates: []bundle.File{{Path: "certs/x.pem"}}}, `"certs/x.pem"`},
		"an upstream twice":              {bundle.Bundle{Files: []bundle.File{main}, Upstreams: []bundle.Upstream{web, web}}, `"web" occurs twice`},
		"an upstream's ID with a dot":    {bundle.Bundle{Files: []bundle.File{main}, Upstreams: []bundle.Upstream{{ID: "a.b"}}}, `"a.b"`},
		"an upstream's ID in upper case": {bundle.Bundle{Files: []bundle.File{main}, Upstreams: []bundle.Upstream{{ID: "Web"}}}, `"Web"`},
		"an endpoint with a name":        {withEndpoint(main, "example.org", 80), `"example.org"`},
		"an endpoint with a zone":        {withEndpoint(main, "fe80::1%eth0", 80), `"fe80::1%eth0"`},
		"an endpoint without a port":     {withEndpoint(main, "10.0.0.1", 0), "no port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var no *refusal
			if err := validate(tc.bundle); !errors.As(err, &no) || !strings.Contains(no.message, tc.fault) {
				t.Errorf("refused with %v, want words with %q", err, tc.fault)
			}
		})
	}
	if err := validate(bundle.Bundle{Files: []bundle.File{main}, Upstreams: []bundle.Upstream{web, {ID: "empty"}}}); err != nil {
		t.Errorf("a good bundle is refused: %v", err)
	}
}

func withEndpoint(main bundle.File, address string, port uint16) bundle.Bundle {
	return bundle.Bundle{Files: []bundle.File{main}, Upstreams: []bundle.Upstream{
		{ID: "web", Endpoints: []bundle.Endpoint{{Address: address, Port: port, Weight: 1}}}}}
}
