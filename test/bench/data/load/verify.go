package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// BackendHeader is the response header with the address of the backend that has
// answered.
const BackendHeader = "Backend"

// Verify asks once what the plan asks, and compares the answer with what the
// backend at that address says. Tools look at no more than statuses. The plans of
// this program's own tools need no such look.
func Verify(ctx context.Context, dial func(port int) (net.Conn, error), p Plan, backend string) error {
	if p.Tool != Wrk && p.Tool != H2load {
		return nil
	}
	transport := &http.Transport{
		DialContext:     func(context.Context, string, string) (net.Conn, error) { return dial(p.Port) },
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // The bench's own certificate signs itself.
		// With a dialer and a configuration of one's own, it has to be asked for.
		ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	request, err := p.request(ctx)
	if err != nil {
		return err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("verify the answer: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("verify the answer: %w", err)
	}
	switch {
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("the answer is %s", response.Status)
	case p.Tool == H2load && response.ProtoMajor != 2:
		return fmt.Errorf("the answer came by %s", response.Proto)
	case p.GRPC && (response.Trailer.Get("Grpc-Status") != "0" || !bytes.Equal(body, p.body())):
		return fmt.Errorf("the call ended with status %q and %q", response.Trailer.Get("Grpc-Status"), body)
	case !p.GRPC && response.Header.Get(BackendHeader) != backend:
		return fmt.Errorf("%q has answered, want %q", response.Header.Get(BackendHeader), backend)
	}
	return nil
}

// request is what the tool sends.
func (p Plan) request(ctx context.Context) (*http.Request, error) {
	scheme := "http"
	if p.Tool == H2load {
		scheme = "https"
	}
	method, body := http.MethodGet, []byte(nil)
	if p.Body > 0 {
		method, body = http.MethodPost, p.body()
	}
	r, err := http.NewRequestWithContext(ctx, method, scheme+"://"+p.Host+p.Path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	for _, h := range p.Headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r, nil
}
