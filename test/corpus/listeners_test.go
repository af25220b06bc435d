package corpus

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// TestAGatewayHasAsManyListenersAsTheAPIAllows fills a Gateway with the 64
// listeners that it can have, on as many ports, with a route at each.
func TestAGatewayHasAsManyListenersAsTheAPIAllows(t *testing.T) {
	t.Parallel()
	const most = 64
	manifest := &strings.Builder{}
	manifest.WriteString(`
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatewright}
spec: {controllerName: gatewright.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: infra, name: home}
spec:
  gatewayClassName: gatewright
  listeners:
`)
	for i := range most {
		fmt.Fprintf(manifest, "  - {name: l%d, port: %d, protocol: HTTP, hostname: h%d.example.com}\n", i, 1000+i, i)
	}
	for i := range most {
		fmt.Fprintf(manifest, `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: infra, name: r%[1]d}
spec:
  parentRefs: [{name: home, sectionName: l%[1]d}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {hostname: to%[1]d.example.com, port: 80}}]}]
`, i)
	}
	s, err := snapshotOf(nil, []byte(manifest.String()))
	if err != nil {
		t.Fatal(err)
	}
	result := compiler.Run(s, compiler.Options{Infra: infra.Options{Image: "gatewright-nginx:test"}})
	for _, l := range result.Statuses.Gateways[0].Status.Listeners {
		if l.AttachedRoutes != 1 {
			t.Errorf("listener %s has %d routes", l.Name, l.AttachedRoutes)
		}
	}
	d, err := dataplane.New(t.Context(), result.Gateways[0].Bundle)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, most - 1} {
		r, err := parseRequest(fmt.Sprintf("GET http://h%d.example.com:%d/x", i, 1000+i))
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.send(d)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("http://to%d.example.com/x", i); a.response.Header.Get("Location") != want {
			t.Errorf("listener %d: %s, Location %q, want %q", i, a.response.Status, a.response.Header.Get("Location"), want)
		}
	}
}
