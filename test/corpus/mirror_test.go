package corpus

import (
	"io"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// TestAShareOfRequestsIsCopied counts copies of one in three. The bounds are
// six standard deviations from that.
func TestAShareOfRequestsIsCopied(t *testing.T) {
	t.Parallel()
	s, err := ReadCase(cases + "/mirrors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	b := compiler.Run(s, compiler.Options{Infra: infra.Options{Image: "gatewright-nginx:test"}}).Gateways[0].Bundle
	d, err := dataplane.New(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	seen := newWitness()
	stop, err := serveBackends(d, b, seen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	const requests, least, most = 600, 200 - 70, 200 + 70
	copies := 0
	for range requests {
		r, number := seen.number(request{method: "GET", target: "/some", authority: "any.example.net"})
		c, err := d.Dial("127.0.0.1", 80)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, r.wire())
		// nginx closes the connection when the copies are answered.
		answer, err := io.ReadAll(c)
		_ = c.Close()
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
			t.Fatalf("answered %q, %v", answer, err)
		}
		accounts, err := seen.wait(number, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range accounts {
			if strings.HasPrefix(a.Backend, "10.42.0.13:") {
				copies++
			}
		}
	}
	if copies < least || copies > most {
		t.Errorf("%d of %d requests were copied, want one in three", copies, requests)
	}
	t.Logf("%d of %d requests were copied", copies, requests)
}
