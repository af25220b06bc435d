package explain

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/gatewright/gatewright/compiler/nginx/token"
)

// Request is what a client sends.
type Request struct {
	Method string
	// Host without port, in lower case and without a dot at its end.
	Host string
	// Port that the client connects to; for Everywhere, 0 is each one, and each
	// is spoken to as it speaks.
	Port int32
	// TLS says that the client speaks it.
	TLS bool
	// ServerName of the TLS handshake; empty for none.
	ServerName string
	// Target is the path with the query, as the client encodes them.
	Target string
	// Headers in the order sent: name, value.
	Headers [][2]string
}

// Parse reads "https://host:port/path?query", a GET. Without a scheme the
// request has port 0, any, unless the text names one.
func Parse(text string) (r Request, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "", text
	}
	authority, target := rest, "/"
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		authority, target = rest[:at], rest[at:]
	}
	target, _, _ = strings.Cut(target, "#")
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	r = Request{Method: "GET", Target: target}
	switch scheme {
	case "http":
		r.Port = 80
	case "https":
		r.Port, r.TLS = 443, true
	case "":
	default:
		return r, fmt.Errorf("%q is neither http nor https", scheme)
	}
	host := authority
	if h, port, splitErr := net.SplitHostPort(authority); splitErr == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return r, fmt.Errorf("%q is no port", port)
		}
		host, r.Port = h, int32(n)
	}
	r.Host = strings.TrimSuffix(strings.ToLower(host), ".")
	if r.Host == "" || strings.ContainsAny(r.Host, " @") {
		return r, fmt.Errorf("%q is no HOST/PATH and no URL", text)
	}
	r.ServerName = r.Host
	return r, nil
}

// path returns the path as nginx compares it (its variable uri): decoded, and
// without dot segments. False says that nginx answers 400.
func (r Request) path() (string, bool) {
	raw, _, _ := strings.Cut(r.Target, "?")
	decoded := token.DecodePath(raw)
	if strings.Contains(decoded, "\x00") || !sound(raw) {
		return "", false
	}
	segments := strings.Split(decoded, "/")
	kept := segments[:1:1]
	for i, s := range segments[1:] {
		last := i == len(segments)-2
		switch {
		case s != "." && s != "..":
			kept = append(kept, s)
			continue
		case s == "..":
			if len(kept) == 1 {
				return "", false
			}
			kept = kept[:len(kept)-1]
		}
		if last {
			kept = append(kept, "")
		}
	}
	return strings.Join(kept, "/"), true
}

// sound says that each percent sign has two hexadecimal digits after it.
func sound(raw string) bool {
	_, err := url.PathUnescape(raw)
	return err == nil
}

// isForWebSocket says that the client asks for one.
func (r Request) isForWebSocket() bool { return strings.EqualFold(r.header("Upgrade"), "websocket") }

// header returns the request's lines of that name, joined by commas. nginx drops
// headers whose names have underscores or dots in them.
func (r Request) header(name string) string {
	var values []string
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) && !strings.ContainsAny(h[0], "_.") {
			values = append(values, strings.TrimSpace(h[1]))
		}
	}
	return strings.Join(values, ", ")
}

// query returns the value of the first parameter of that name, as the client
// encoded it.
func (r Request) query(name string) (string, bool) {
	_, args, _ := strings.Cut(r.Target, "?")
	for part := range strings.SplitSeq(args, "&") {
		if key, value, ok := strings.Cut(part, "="); decodeQuery(key) == name {
			return value, ok
		}
	}
	return "", false
}

func decodeQuery(s string) string { return token.DecodePath(strings.ReplaceAll(s, "+", " ")) }
