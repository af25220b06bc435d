package corpus

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gatewright/gatewright/test/corpus/dataplane"
)

// request is one request of a case. It is written to the wire as it stands, so
// that odd ones reach nginx, too.
type request struct {
	// line is the request as the case has it.
	line string

	method    string
	tls       bool
	udp       bool
	authority string
	port      int
	target    string
	headers   [][2]string

	// serverName is asked for in the TLS handshake; "-" for none.
	serverName string
	// client is whose certificate is shown; none when empty.
	client string
	// gateway to send to, the first one when empty.
	gateway string
	times   int
	body    string
	http2   bool
	// to is nginx's address.
	to string
	// copied is how many copies backends get; nil where nobody looks.
	copied *int
	// open is where upgraded connections go that stay open; nil where they are
	// closed.
	open *[]io.Closer
}

// parseRequests reads a requests.txt.
func parseRequests(text string) ([]request, error) {
	var requests []request
	open := &[]io.Closer{}
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t")
		name, value, isHeader := strings.Cut(line, ": ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case isHeader && !strings.Contains(name, " "):
			if len(requests) == 0 {
				return nil, fmt.Errorf("requests.txt:%d: a header without a request", number+1)
			}
			r := &requests[len(requests)-1]
			r.headers = append(r.headers, [2]string{name, value})
		default:
			r, err := parseRequest(line)
			if err != nil {
				return nil, fmt.Errorf("requests.txt:%d: %w", number+1, err)
			}
			if r.open != nil {
				r.open = open
			}
			requests = append(requests, r)
		}
	}
	return requests, nil
}

func parseRequest(line string) (request, error) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return request{}, fmt.Errorf("%q is not METHOD URL", line)
	}
	scheme, rest, ok := strings.Cut(words[1], "://")
	if !ok {
		return request{}, fmt.Errorf("%q has no scheme", words[1])
	}
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return request{}, fmt.Errorf("%q has no path", words[1])
	}
	r := request{
		line: line, method: words[0], tls: scheme == "https",
		udp: scheme == "udp", authority: rest[:slash], target: rest[slash:], port: 80, times: 1, to: "127.0.0.1",
	}
	host := r.authority
	if r.tls {
		r.port = 443
	}
	if h, p, err := net.SplitHostPort(r.authority); err == nil {
		host = h
		if r.port, err = strconv.Atoi(p); err != nil {
			return request{}, fmt.Errorf("port of %q: %w", words[1], err)
		}
	}
	r.serverName = host
	for _, option := range words[2:] {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "sni":
			r.serverName = value
		case "client":
			r.client = value
		case "gateway":
			r.gateway = value
		case "body":
			r.body = value
		case "target":
			r.target = value
		case "open":
			r.open = &[]io.Closer{}
		case "http":
			r.http2 = value == "2"
		case "to":
			r.to = value
		case "times", "port", "copies":
			n, err := strconv.Atoi(value)
			if err != nil {
				return request{}, fmt.Errorf("%s of %q: %w", name, line, err)
			}
			switch name {
			case "times":
				r.times = n
			case "copies":
				r.copied = &n
			default:
				r.port = n
			}
		default:
			return request{}, fmt.Errorf("unknown option %q", option)
		}
	}
	return r, nil
}

var (
	// errHandshake says that nginx refused the TLS handshake.
	errHandshake = errors.New("handshake refused")
	// errClosed says that nginx closed the connection without an answer.
	errClosed = errors.New("connection closed")
)

// answer is a response and, behind TLS, whose certificate came with it.
type answer struct {
	response    *http.Response
	certificate *x509.Certificate
}

// send sends the request once and reads the whole response.
func (r request) send(d *dataplane.DataPlane) (answer, error) {
	c, err := d.Dial(r.to, r.port)
	if err != nil {
		return answer{}, err
	}
	stays := false
	defer func() {
		if !stays {
			_ = c.Close()
		}
	}()
	// Against a hang, not a measurement.
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return answer{}, err
	}
	var a answer
	if r.tls {
		name := r.serverName
		if name == "-" {
			name = ""
		}
		config := &tls.Config{ServerName: name, InsecureSkipVerify: true} //nolint:gosec // what is presented is printed
		if r.http2 {
			config.NextProtos = []string{"h2"}
		}
		if r.client != "" {
			// Shown whatever authorities nginx asks for.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return clientCertificate(r.client)
			}
		}
		t := tls.Client(c, config)
		if err := t.Handshake(); isClosed(err) {
			return answer{}, errClosed
		} else if err != nil {
			return answer{}, fmt.Errorf("%w: %w", errHandshake, err)
		}
		a.certificate = t.ConnectionState().PeerCertificates[0]
		c = t
	}
	if r.http2 {
		a.response, err = r.overHTTP2(c)
		return a, err
	}
	if _, err := io.WriteString(c, r.wire()); err != nil {
		return answer{}, err
	}
	reader := bufio.NewReader(c)
	if a.response, err = http.ReadResponse(reader, &http.Request{Method: r.method}); err != nil {
		if isClosed(err) {
			return answer{}, errClosed
		}
		return answer{}, fmt.Errorf("read the response: %w", err)
	}
	if a.response.StatusCode == http.StatusSwitchingProtocols {
		if r.open != nil {
			stays = true
			*r.open = append(*r.open, c)
		}
		return a, exchange(c, reader)
	}
	_, err = io.Copy(io.Discard, a.response.Body)
	return a, err
}

// isClosed says that the other side closed the connection and said nothing.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// overHTTP2 sends the request over HTTP/2.
func (r request) overHTTP2(c net.Conn) (*http.Response, error) {
	dial := func(context.Context, string, string) (net.Conn, error) { return c, nil }
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, Protocols: new(http.Protocols)}
	defer transport.CloseIdleConnections()
	scheme := "http"
	if r.tls {
		scheme = "https"
	}
	transport.Protocols.SetHTTP2(r.tls)
	transport.Protocols.SetUnencryptedHTTP2(!r.tls)
	path, query, _ := strings.Cut(r.target, "?")
	body := expand(r.body)
	out := &http.Request{
		Method: r.method, Host: r.authority, Header: http.Header{"User-Agent": {""}},
		URL:  &url.URL{Scheme: scheme, Host: r.authority, Path: path, RawQuery: query},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
	for _, h := range r.headers {
		out.Header.Add(h[0], expand(h[1]))
	}
	response, err := transport.RoundTrip(out)
	if err != nil {
		return nil, fmt.Errorf("send over HTTP/2: %w", err)
	}
	if response.ProtoMajor != 2 {
		return nil, fmt.Errorf("answered over %s", response.Proto)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response, errors.Join(err, response.Body.Close())
}

// closeOpen closes the connections that requests left open.
func closeOpen(requests []request) {
	for _, r := range requests {
		if r.open == nil {
			continue
		}
		for _, c := range *r.open {
			_ = c.Close()
		}
		*r.open = nil
	}
}

// exchange sends a line through an upgraded connection and waits for its echo.
func exchange(c io.Writer, reader *bufio.Reader) error {
	if _, err := io.WriteString(c, "through\n"); err != nil {
		return err
	}
	if echo, err := reader.ReadString('\n'); err != nil || echo != "through\n" {
		return fmt.Errorf("the upgraded connection echoed %q: %w", echo, err)
	}
	return nil
}

func (r request) wire() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.method, r.target, r.authority)
	for _, h := range r.headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], expand(h[1]))
	}
	if r.header("Connection") == "" {
		b.WriteString("Connection: close\r\n")
	}
	body := expand(r.body)
	switch {
	case r.chunked():
		return fmt.Sprintf("%s\r\n%x\r\n%s\r\n0\r\n\r\n", b.String(), len(body), body)
	case body != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

// chunked says that the length of the body is not told beforehand.
func (r request) chunked() bool { return r.header("Transfer-Encoding") == "chunked" }

// header returns the request's lines of that name, joined.
func (r request) header(name string) string {
	var values []string
	for _, h := range r.headers {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return strings.Join(values, ", ")
}
