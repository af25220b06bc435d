package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// newHandshakes opens a TLS connection, asks once, and closes it. X25519 and the
// one certificate of the bench keep what the client itself has to do small.
func newHandshakes(p Plan) client {
	config := &tls.Config{
		ServerName: p.Host, InsecureSkipVerify: true, // The bench's own certificate signs itself.
		CurvePreferences: []tls.CurveID{tls.X25519}, NextProtos: []string{"http/1.1"},
	}
	if p.Resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", p.Path, p.Host)
	known := false
	return func(ctx context.Context) error {
		plain, err := new(net.Dialer).DialContext(ctx, "tcp", p.address())
		if err != nil {
			return err
		}
		defer plain.Close()
		c := tls.Client(plain, config)
		if _, err := c.Write(request); err != nil {
			return err
		}
		// Sessions come after the handshake, with the answer.
		answer, err := io.ReadAll(c)
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("the answer is %.40q", answer)
		}
		if p.Resume && known && !c.ConnectionState().DidResume {
			return errors.New("the session was not resumed")
		}
		known = true
		return nil
	}
}

// What goes over a websocket: a text message of 64 bytes, masked by a client and
// not by a server (RFC 6455, section 5.2).
const messageLength = 64

var (
	clientFrame = append([]byte{0x81, 0x80 | messageLength, 0, 0, 0, 0}, strings.Repeat("m", messageLength)...)
	serverFrame = append([]byte{0x81, messageLength}, strings.Repeat("m", messageLength)...)
)

// newSocket opens a websocket at first, and sends one message a time.
func newSocket(p Plan) client {
	var c net.Conn
	got := make([]byte, len(serverFrame))
	return func(ctx context.Context) (err error) {
		if c == nil {
			if c, err = openSocket(ctx, p); err != nil {
				return err
			}
		}
		if _, err := c.Write(clientFrame); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, got); err != nil {
			return err
		}
		if !bytes.Equal(got, serverFrame) {
			return fmt.Errorf("the echo is %q", got)
		}
		return nil
	}
}

func openSocket(ctx context.Context, p Plan) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", p.address())
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", p.Path, p.Host)
	if err != nil {
		return nil, err
	}
	// Nothing follows the answer before the first message is sent.
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the websocket is refused: %s", response.Status)
	}
	return c, nil
}

// newUploads posts bodies of zeros over one connection.
func newUploads(p Plan) client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, p.address())
		},
		WriteBufferSize: 256 << 10,
	}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.Host+p.Path, io.LimitReader(zeros{}, p.Body))
		if err != nil {
			return err
		}
		request.ContentLength = p.Body
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err == nil && string(answer) != fmt.Sprint(p.Body) {
			return fmt.Errorf("of %d bytes arrived %.40q (%s)", p.Body, answer, response.Status)
		}
		return err
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
