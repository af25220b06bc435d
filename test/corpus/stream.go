package corpus

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// passedOn says that nginx did not look at the request.
func (a account) passedOn() bool {
	return a.Headers.Get("X-Forwarded-For") == "" && a.Headers.Get("X-Real-Ip") == ""
}

// sniffed is a connection that speaks TLS if its client does.
type sniffed struct {
	net.Conn
	once  sync.Once
	inner net.Conn
	err   error
}

// handshake is the type of a TLS record that begins one (RFC 8446, section 5.1).
const handshake = 0x16

func (c *sniffed) Read(p []byte) (int, error) {
	c.once.Do(func() {
		first := make([]byte, 1)
		if _, c.err = io.ReadFull(c.Conn, first); c.err != nil {
			return
		}
		whole := prefixed{Conn: c.Conn, reader: io.MultiReader(bytes.NewReader(first), c.Conn)}
		c.inner = whole
		if first[0] == handshake {
			c.inner = tls.Server(whole, backendTLS())
		}
	})
	if c.err != nil {
		return 0, c.err
	}
	return c.inner.Read(p)
}

func (c *sniffed) Write(p []byte) (int, error) {
	if c.inner == nil {
		return c.Conn.Write(p)
	}
	return c.inner.Write(p)
}

// prefixed is a connection of which a part has been read.
type prefixed struct {
	net.Conn
	reader io.Reader
}

func (p prefixed) Read(b []byte) (int, error) { return p.reader.Read(b) }

// backendTLS has a certificate of the backends' own.
var backendTLS = sync.OnceValue(func() *tls.Config {
	secret := &corev1.Secret{Data: map[string][]byte{}}
	if err := issue(secret, "backend.test"); err != nil {
		panic(err)
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
})

// answerDatagrams answers on all endpoints that take datagrams with an account
// of each, and returns a function that stops.
func answerDatagrams(d *dataplane.DataPlane, s snapshot.Snapshot) (func(), error) {
	var sockets []net.PacketConn
	stop := func() {
		for _, socket := range sockets {
			_ = socket.Close()
		}
	}
	for _, endpoint := range datagramEndpoints(s) {
		socket, err := d.ListenPacket(endpoint.Addr().String(), endpoint.Port())
		if err != nil {
			stop()
			return nil, fmt.Errorf("answer datagrams: %w", err)
		}
		sockets = append(sockets, socket)
		go answerOn(socket)
	}
	return stop, nil
}

func datagramEndpoints(s snapshot.Snapshot) []netip.AddrPort {
	var all []netip.AddrPort
	for _, slice := range s.EndpointSlices.All() {
		for _, port := range slice.Ports {
			if port.Protocol == nil || *port.Protocol != corev1.ProtocolUDP {
				continue
			}
			for _, e := range slice.Endpoints {
				all = append(all, netip.AddrPortFrom(netip.MustParseAddr(e.Addresses[0]), uint16(*port.Port)))
			}
		}
	}
	return all
}

func answerOn(s net.PacketConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := s.ReadFrom(buffer)
		if err != nil {
			return
		}
		given, _ := json.Marshal(account{Backend: s.LocalAddr().String(), Body: string(buffer[:n])})
		_, _ = s.WriteTo(given, from)
	}
}

// silence is after how long a datagram counts as dropped. Answers take no time
// here.
const silence = 5 * time.Second

// datagram sends the request's body as a datagram, and words the answer.
func (r request) datagram(d *dataplane.DataPlane, services map[string]string) (string, error) {
	c, err := d.DialUDP(r.to, r.port)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(silence)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, r.body); err != nil {
		return "", err
	}
	buffer := make([]byte, 64<<10)
	n, err := c.Read(buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "no answer\n", nil
	}
	if err != nil {
		return "", err
	}
	var seen account
	if err := json.Unmarshal(buffer[:n], &seen); err != nil {
		return "", fmt.Errorf("read the backend's account: %w", err)
	}
	return fmt.Sprintf("answer from %s: %q\n", backendName(seen.Backend, services), seen.Body), nil
}
