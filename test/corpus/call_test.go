package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/bundle"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// callEnds are the ways in which the backend ends calls, by what the first message
// asks for.
var callEnds = map[string]func(grpc.ServerStream) error{
	"trailers alone": func(grpc.ServerStream) error {
		return status.Error(codes.NotFound, "no such order: 50% größer")
	},
	"headers, then trailers": func(s grpc.ServerStream) error {
		if err := s.SendHeader(metadata.Pairs("x-first", "1")); err != nil {
			return err
		}
		// On its own way, before the trailers are written.
		time.Sleep(50 * time.Millisecond)
		s.SetTrailer(metadata.Pairs("x-last", "1", "x-last-bin", "\x00\xff"))
		return status.Error(codes.FailedPrecondition, "late")
	},
	"headers and trailers at once": func(s grpc.ServerStream) error {
		if err := s.SendHeader(metadata.Pairs("x-first", "1")); err != nil {
			return err
		}
		return status.Error(codes.FailedPrecondition, "late")
	},
	"no message": func(s grpc.ServerStream) error { return s.SendHeader(metadata.Pairs("x-first", "1")) },
	"messages, then an error": func(s grpc.ServerStream) error {
		for range 3 {
			if err := s.SendMsg(wrapperspb.String("part")); err != nil {
				return err
			}
		}
		return status.Error(codes.DataLoss, "broken")
	},
	"an error while the client still speaks": func(s grpc.ServerStream) error {
		if err := s.SendMsg(wrapperspb.String("enough")); err != nil {
			return err
		}
		return status.Error(codes.ResourceExhausted, "enough")
	},
	"megabytes": func(s grpc.ServerStream) error { return s.SendMsg(wrapperspb.String(strings.Repeat("x", 3<<20))) },
	"echo": func(s grpc.ServerStream) error {
		for {
			var m wrapperspb.StringValue
			switch err := s.RecvMsg(&m); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			if err := s.SendMsg(&m); err != nil {
				return err
			}
		}
	},
}

func serveCalls(t *testing.T, d *dataplane.DataPlane, b bundle.Bundle) chan error {
	t.Helper()
	ended := make(chan error, 16)
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
		var asked wrapperspb.StringValue
		if err := s.RecvMsg(&asked); err != nil {
			return err
		}
		if asked.Value == "wait" {
			<-s.Context().Done()
			ended <- s.Context().Err()
			return s.Context().Err()
		}
		return callEnds[asked.Value](s)
	}))
	t.Cleanup(server.Stop)
	open := map[uint16]bool{bundle.ClosedPort: true, bundle.InvalidBackendPort: true, bundle.NoEndpointsPort: true}
	for _, u := range append(append([]bundle.Upstream{}, b.Upstreams...), b.Hop.Upstreams...) {
		for _, e := range u.Endpoints {
			if open[e.Port] {
				continue
			}
			open[e.Port] = true
			l, err := d.Listen("", e.Port)
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = server.Serve(l) }()
		}
	}
	return ended
}

// callSite is a gateway with backends that answer calls.
func callSite(t *testing.T) (*grpc.ClientConn, chan error) {
	t.Helper()
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
		if t.Failed() {
			t.Log(d.Log())
		}
	})
	ended := serveCalls(t, d, result.Gateways[0].Bundle)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := grpc.NewClient("passthrough:///gateway", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority("grpc.example.com"), grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			return d.Dial("127.0.0.1", 80)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, ended
}

var callWays = map[string]string{"straight": "/shop.v1.Orders/Get", "through the hop": "/shop.v1.Admin/Watch"}

var bothWays = &grpc.StreamDesc{StreamName: "both", ServerStreams: true, ClientStreams: true}

// callOutcomes are what clients see of callEnds.
var callOutcomes = map[string]string{
	"trailers alone":                         `0 messages of 0, first=[] last=[] bin=[]: NotFound no such order: 50% größer`,
	"headers, then trailers":                 `0 messages of 0, first=[1] last=[1] bin=["\x00\xff"]: FailedPrecondition late`,
	"headers and trailers at once":           `0 messages of 0, first=[1] last=[] bin=[]: FailedPrecondition late`,
	"no message":                             `0 messages of 0, first=[1] last=[] bin=[]: OK `,
	"messages, then an error":                `3 messages of 12, first=[] last=[] bin=[]: DataLoss broken`,
	"an error while the client still speaks": `1 messages of 6, first=[] last=[] bin=[]: ResourceExhausted enough`,
	"megabytes":                              `1 messages of 3145728, first=[] last=[] bin=[]: OK `,
	"echo":                                   `0 messages of 0, first=[] last=[] bin=[]: OK `,
}

// outcome is what a client sees of a call.
func outcome(stream grpc.ClientStream) string {
	size, n := 0, 0
	for {
		var m wrapperspb.StringValue
		err := stream.RecvMsg(&m)
		if err == nil {
			n++
			size += len(m.Value)
			continue
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		header, _ := stream.Header()
		st, _ := status.FromError(err)
		return fmt.Sprintf("%d messages of %d, first=%v last=%v bin=%q: %s %s", n, size, header["x-first"], stream.Trailer()["x-last"], stream.Trailer()["x-last-bin"], st.Code(), st.Message())
	}
}

func TestCallsEndAsTheBackendEndsThem(t *testing.T) {
	t.Parallel()
	client, _ := callSite(t)
	for way, path := range callWays {
		for end := range callEnds {
			t.Run(way+", "+end, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				for range 5 {
					stream, err := client.NewStream(ctx, bothWays, path)
					if err != nil {
						t.Fatal(err)
					}
					if err := stream.SendMsg(wrapperspb.String(end)); err != nil {
						t.Fatal(err)
					}
					if end != "an error while the client still speaks" {
						_ = stream.CloseSend()
					}
					if got := outcome(stream); got != callOutcomes[end] {
						t.Errorf("the client sees %q, want %q", got, callOutcomes[end])
					}
				}
			})
		}
	}
}

func TestTheBackendLearnsOfACallThatItsClientCancels(t *testing.T) {
	t.Parallel()
	client, ended := callSite(t)
	for way, path := range callWays {
		t.Run(way, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stream, err := client.NewStream(ctx, bothWays, path)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.SendMsg(wrapperspb.String("wait")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the backend's call ends with %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("the backend does not learn of it")
			}
		})
	}
}

// TestCallsLiveThroughMinutesOfSilence is longer than anything else here, so the
// inner loop (go test -short) leaves it to make test.
func TestCallsLiveThroughMinutesOfSilence(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two and a half minutes")
	}
	t.Parallel()
	client, _ := callSite(t)
	for way, path := range callWays {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			stream, err := client.NewStream(t.Context(), bothWays, path)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.SendMsg(wrapperspb.String("echo")); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				want := fmt.Sprint("message ", i)
				if err := stream.SendMsg(wrapperspb.String(want)); err != nil {
					t.Fatal(err)
				}
				var got wrapperspb.StringValue
				if err := stream.RecvMsg(&got); err != nil || got.Value != want {
					t.Fatalf("received %q, %v; want %q", got.Value, err, want)
				}
				if i < 2 {
					time.Sleep(75 * time.Second)
				}
			}
			if err := stream.CloseSend(); err != nil {
				t.Error(err)
			}
			if err := stream.RecvMsg(&wrapperspb.StringValue{}); !errors.Is(err, io.EOF) {
				t.Errorf("the call ended with %v", err)
			}
		})
	}
}
