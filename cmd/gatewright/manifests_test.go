package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goodRoute = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: whoami, namespace: blog}
spec:
  parentRefs: [{name: home, namespace: infra}]
  hostnames: [whoami.example.net]
  rules:
  - backendRefs: [{name: whoami, port: 80}]
`

const homeGateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: home, namespace: infra}
spec:
  gatewayClassName: gatewright
  listeners:
  - {name: web, port: 80, protocol: HTTP, hostname: "*.example.net", allowedRoutes: {namespaces: {from: All}}}
  - {name: tls, port: 443, protocol: HTTPS, hostname: "*.example.net", tls: {certificateRefs: [{name: a}]}}
`

// write makes files in a directory of the test's own, and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// command parses the arguments as main does.
func command(t *testing.T, arguments ...string) *commands {
	t.Helper()
	var c commands
	if _, err := c.program().Parse(arguments); err != nil {
		t.Fatal(err)
	}
	return &c
}

func code(t *testing.T, err error) int {
	t.Helper()
	var f failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.code
	}
	t.Fatalf("%v has no exit status", err)
	return 0
}

func TestLintsExitStatus(t *testing.T) {
	t.Parallel()
	denied := strings.Replace(goodRoute, "- backendRefs", "- matches: [{path: {value: api}}]\n    backendRefs", 1)
	warned := strings.Replace(goodRoute, "port: 80", "weight: 1", 1)
	tests := map[string]struct {
		files map[string]string
		flags []string
		want  int
	}{
		"all in order":               {files: map[string]string{"a.yaml": goodRoute}, want: 0},
		"warnings":                   {files: map[string]string{"a.yaml": warned}, want: 0},
		"warnings, strictly":         {files: map[string]string{"a.yaml": warned}, flags: []string{"--strict"}, want: 1},
		"something denied":           {files: map[string]string{"a.yaml": denied, "b.yaml": goodRoute}, want: 1},
		"something unreadable":       {files: map[string]string{"a.yaml": denied, "b.yaml": "a: b: c"}, want: 2},
		"nothing there":              {want: 2},
		"an object that is not ours": {files: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\n"}, want: 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := command(t, append([]string{"lint", "-f", write(t, test.files)}, test.flags...)...).Lint.run(&out)
			if got := code(t, err); got != test.want {
				t.Errorf("exit status %d, want %d:\n%s", got, test.want, &out)
			}
		})
	}
}

func TestRenderPrintsEachFile(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"a.yaml": homeGateway + "---\n" + goodRoute})
	var out strings.Builder
	if err := command(t, "render", "-f", dir).Render.run(&out); err != nil {
		t.Fatal(err)
	}
	var headings []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "# infra/home: ") {
			headings = append(headings, strings.TrimSpace(line))
		}
	}
	want := []string{"# infra/home: nginx.conf", "# infra/home: servers.conf", "# infra/home: upstreams.conf"}
	if diff := cmp.Diff(want, headings); diff != "" {
		t.Errorf("headings (-want +got):\n%s", diff)
	}

	to := t.TempDir()
	var none strings.Builder
	if err := command(t, "render", "-f", dir, "-o", to, "--gateway", "infra/home").Render.run(&none); err != nil || none.Len() > 0 {
		t.Fatalf("%v, printed %q", err, &none)
	}
	servers, err := os.ReadFile(filepath.Join(to, "infra", "home", "servers.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), string(servers)) || !strings.Contains(string(servers), "whoami.example.net") {
		t.Errorf("wrote another servers.conf than was printed:\n%s", servers)
	}
}

func TestRenderExplains(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"a.yaml": homeGateway + "---\n" + goodRoute})
	var out strings.Builder
	err := command(t, "render", "-f", dir, "--explain", "whoami.example.net/x", "--method", "POST", "--header", "A=b, c").Render.run(&out)
	if err != nil {
		t.Fatal(err)
	}
	want := `POST http://whoami.example.net/x
A: b, c
  at        Gateway infra/home, listener "web"
  by        HTTPRoute blog/whoami spec.rules[0] matches[0] (whoami.example.net, prefix /)
  answered  from Service blog/whoami:80

POST https://whoami.example.net/x
A: b, c
  at        Gateway infra/home, listener "tls"
  answered  with 404 by nginx: no rule fits the request
  not by    HTTPRoute blog/whoami:
              it is attached to listener "web", on port 80
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenderExplainsListenersOfListenerSets(t *testing.T) {
	t.Parallel()
	gateway := strings.Replace(homeGateway, "  listeners:", "  allowedListeners: {namespaces: {from: All}}\n  listeners:", 1)
	dir := write(t, map[string]string{"a.yaml": gateway + "---\n" + goodRoute + `---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: own, namespace: blog}
spec:
  parentRef: {name: home, namespace: infra}
  listeners: [{name: web, port: 80, protocol: HTTP, hostname: own.example.org}]
`})
	var out strings.Builder
	if err := command(t, "render", "-f", dir, "--explain", "http://own.example.org/").Render.run(&out); err != nil {
		t.Fatal(err)
	}
	want := `GET http://own.example.org/
  at        Gateway infra/home, listener "web" of ListenerSet blog/own
  answered  with 404 by nginx: no rule fits the request
  not by    HTTPRoute blog/whoami:
              it is attached to listener "web"; the host belongs to listener "web" of ListenerSet blog/own
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRendersExitStatus(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text  string
		flags []string
		want  int
	}{
		"no Gateway":               {text: goodRoute, want: 1},
		"another Gateway":          {text: homeGateway, flags: []string{"--gateway", "a/b"}, want: 1},
		"nobody listens":           {text: homeGateway, flags: []string{"--explain", "http://a.example.net:81/"}, want: 1},
		"no URL":                   {text: homeGateway, flags: []string{"--explain", "ftp://a"}, want: 1},
		"no header":                {text: homeGateway, flags: []string{"--explain", "a/", "--header", "x"}, want: 1},
		"something unreadable":     {text: homeGateway + "---\na: b: c\n", want: 2},
		"a host that nobody has":   {text: homeGateway, flags: []string{"--explain", "https://a.example.org/"}, want: 0},
		"a Gateway without routes": {text: homeGateway, want: 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			arguments := append([]string{"render", "-f", write(t, map[string]string{"a.yaml": test.text})}, test.flags...)
			if got := code(t, command(t, arguments...).Render.run(&out)); got != test.want {
				t.Errorf("exit status %d, want %d:\n%s", got, test.want, &out)
			}
		})
	}
}
