package hop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// stream is the response of a call, as it comes.
type stream struct {
	header http.Header
	io.Writer
}

func (s stream) Header() http.Header { return s.header }
func (stream) WriteHeader(int)       {}
func (stream) Flush()                {}

func brokenOff(panicked any) error {
	if panicked == nil {
		return nil
	}
	return fmt.Errorf("the call was broken off: %v", panicked)
}

// TestACallOutlivesAnHourOfSilence has a server of gRPC as it is by default: it
// hangs up on who asks too often whether it is alive.
func TestACallOutlivesAnHourOfSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := bufconn.Listen(1 << 16)
		server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
			for {
				var m emptypb.Empty
				err := s.RecvMsg(&m)
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err == nil {
					err = s.SendMsg(&m)
				}
				if err != nil {
					return err
				}
			}
		}))
		go func() { _ = server.Serve(network) }()
		h := New(Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return network.DialContext(ctx) }})
		table, err := h.Prepare(bundle.Bundle{Hop: bundle.Hop{
			Rules:     []bundle.HopRule{{ID: "rule", Backends: []bundle.HopBackend{{Upstream: "web", Weight: 1, HTTP2: true}}}},
			Upstreams: []bundle.Upstream{{ID: "web", Endpoints: []bundle.Endpoint{{Address: "192.0.2.1", Port: 80, Weight: 1}}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		// Without a socket, which a fake clock would not wait for.
		h.live.Store(&tables{current: table})

		said, messages := io.Pipe()
		answers, answered := io.Pipe()
		defer func() {
			_, _ = messages.Close(), answers.Close()
			h.Close()
			server.Stop()
		}()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://grpc.example.net/shop.v1.Orders/Watch", said)
		if err != nil {
			t.Fatal(err)
		}
		request.RequestURI, request.ProtoMajor, request.ContentLength = request.URL.Path, 2, -1
		request.Header = http.Header{"Te": {"trailers"}, "Content-Type": {"application/grpc"}, bundle.HopHeader: {"rule"}}
		response := stream{http.Header{}, answered}
		go func() {
			// Else the panic of a call that is broken off would end the tests.
			defer func() { _ = answered.CloseWithError(brokenOff(recover())) }()
			h.ServeHTTP(response, request)
		}()

		const message = "\x00\x00\x00\x00\x00"
		for range 3 {
			if _, err := io.WriteString(messages, message); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(answers, make([]byte, len(message))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		_ = messages.Close()
		if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
			t.Errorf("ended with %q: %v", rest, err)
		}
		if code := response.header[http.TrailerPrefix+"Grpc-Status"]; !slices.Equal(code, []string{"0"}) {
			t.Errorf("ended with the headers %v", response.header)
		}
	})
}
