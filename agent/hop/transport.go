package hop

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

const (
	// connectTime bounds a TCP connect, and again a TLS handshake (nginx's
	// proxy_connect_timeout in our templates).
	connectTime = 5 * time.Second
	// idleTime and idlePerEndpoint are those of nginx's upstreams in our
	// templates: Node.js, the quickest to do so, closes idle connections after
	// five seconds.
	idleTime        = 4 * time.Second
	idlePerEndpoint = 32
	// continueTime is how long a backend is waited for that a client with
	// Expect: 100-continue asks, before the body is sent all the same.
	continueTime = time.Second
	// maxHeader is more than nginx's large_client_header_buffers of 128 KiB
	// take, with what nginx adds.
	maxHeader = 256 << 10
	// What HTTP/2 may have on the way, unread, so that a slow client does not
	// fill the memory.
	streamBuffer = 256 << 10
	connBuffer   = 1 << 20
	// pingTime is after how long a silent HTTP/2 connection is asked whether it
	// is alive, and pingWait how long it may take to answer. Servers of gRPC let
	// one ping pass in five minutes, and hang up at the third that comes sooner
	// (gRPC proposal A8).
	pingTime = 6 * time.Minute
	pingWait = 5 * time.Second
	// sessions that can be resumed, per TLS setting.
	sessions = 64
)

// way identifies how backends are connected to: equal ways share connections.
type way [sha256.Size]byte

// transportOptions are all that a transport depends on.
type transportOptions struct {
	HTTP2 bool
	TLS   *bundle.HopTLS
	// CA and Certificate are what the paths in TLS stand for.
	CA          []byte
	Certificate []byte
}

func (o transportOptions) way() way {
	// Encoding plain values cannot fail.
	data, _ := json.Marshal(o)
	return sha256.Sum256(data)
}

// aliveness finds out within half a minute that the other end of a silent
// connection is no more, by means that no server counts.
var aliveness = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

func newTransport(o transportOptions) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: connectTime, KeepAliveConfig: aliveness}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTime,
		MaxIdleConnsPerHost:    idlePerEndpoint,
		IdleConnTimeout:        idleTime,
		ExpectContinueTimeout:  continueTime,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: streamBuffer, MaxReceiveBufferPerConnection: connBuffer,
			SendPingTimeout: pingTime, PingTimeout: pingWait,
		},
	}
	switch {
	case o.HTTP2 && o.TLS == nil:
		t.Protocols.SetUnencryptedHTTP2(true)
	case o.HTTP2:
		t.Protocols.SetHTTP2(true)
		t.Protocols.SetHTTP1(true)
	default:
		t.Protocols.SetHTTP1(true)
	}
	if o.TLS == nil {
		return t, nil
	}
	config, err := tlsConfig(o)
	t.TLSClientConfig = config
	return t, err
}

func tlsConfig(o transportOptions) (*tls.Config, error) {
	config := &tls.Config{
		ServerName:         o.TLS.Hostname,
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(sessions),
	}
	if o.TLS.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("no certificate of the CA bundle can be read")
		}
	}
	if o.TLS.ClientCertificate != "" {
		pair, err := tls.X509KeyPair(o.Certificate, o.Certificate)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if n := (names{o.TLS.DNSNames, o.TLS.URIs}); len(n.dns)+len(n.uris) > 0 {
		// Not insecure: verify checks the chain, and other names than Go would.
		config.InsecureSkipVerify = true
		config.VerifyConnection = n.verify(config.RootCAs)
	}
	return config, nil
}
