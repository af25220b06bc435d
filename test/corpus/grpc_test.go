package corpus

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// TestCallsStreamBothWaysAtOnce sends the next message of a call when the answer
// to the last one is there: straight to the backend, and through the hop.
func TestCallsStreamBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	s, err := ReadCase("../cases/grpc-routes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	result := compiler.Run(s, compiler.Options{Infra: infra.Options{Image: "gatewright-nginx:test"}})
	d, err := dataplane.New(t.Context(), result.Gateways[0].Bundle)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	stop, err := serveBackends(d, result.Gateways[0].Bundle, s, newWitness())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"straight": "/shop.v1.Orders/Get", "through the hop": "/shop.v1.Admin/Watch"} {
		t.Run(name, func(t *testing.T) { converse(t, d, path) })
	}
}

func converse(t *testing.T, d *dataplane.DataPlane, path string) {
	t.Helper()
	// Against a hang, not a measurement.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	transport := &http.Transport{Protocols: new(http.Protocols), DialContext: func(context.Context, string, string) (net.Conn, error) {
		return d.Dial("127.0.0.1", 80)
	}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	body, messages := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://grpc.example.com"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Te": {"trailers"}, "Content-Type": {"application/grpc"}, "Echo": {"1"}}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for i := range 20 {
		message := fmt.Sprintf("message %02d", i)
		if _, err := io.WriteString(messages, message); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(message))
		if _, err := io.ReadFull(response.Body, answer); err != nil || string(answer) != message {
			t.Fatalf("answered %q: %v", answer, err)
		}
	}
	if err := messages.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 || response.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("ended with %q, trailers %v: %v", rest, response.Trailer, err)
	}
}
