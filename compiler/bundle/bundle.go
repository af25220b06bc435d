package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxDecodedBytes caps what Decode is willing to inflate, so that a damaged or
// hostile payload cannot exhaust the memory of a small node.
const MaxDecodedBytes = 64 << 20

// Bundle is all that the nginx of one Gateway serves. It is a value: build it
// once, never change it.
type Bundle struct {
	// Gateway is the namespace/name of the Gateway it belongs to.
	Gateway string `json:"gateway"`
	// Generation is the metadata.generation of the Gateway from which the
	// bundle was compiled: a data plane that serves the bundle has programmed
	// that generation.
	Generation int64 `json:"generation"`
	// ListenerSets are the generations of the ListenerSets whose listeners are in
	// the bundle, by namespace/name@UID: one that is deleted and made anew has to be
	// told from the one before.
	ListenerSets map[string]int64 `json:"listenerSets,omitempty"`
	// Files are nginx configuration files, sorted by path. A change of any of
	// them needs a reload.
	Files []File `json:"files"`
	// Certificates are PEM files (chain, then key), sorted by path. nginx picks
	// a changed one up without a reload (ssl_certificate_cache).
	Certificates []File `json:"certificates"`
	// Upstreams is the endpoint table, sorted by ID. nginx learns of changes
	// through DNS, without a reload.
	Upstreams []Upstream `json:"upstreams"`
	// Hop is what the agent does itself between nginx and backends. It changes
	// without a reload.
	Hop Hop `json:"hop,omitzero"`
	// DrainSeconds is how long connections may live on after a reload (nginx
	// worker_shutdown_timeout).
	DrainSeconds int64 `json:"drainSeconds"`
	// GraceSeconds is how long connections may live on after the pod was asked
	// to stop. It reaches the agent without a reload, and without a new pod; the
	// pod's own grace period bounds it. 0 leaves it at that.
	GraceSeconds int64 `json:"graceSeconds,omitempty"`
}

// File is one file of a bundle. Path is relative, slash-separated and clean:
// "nginx.conf", "certs/infra-jarrett-net-tls.pem".
type File struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// Upstream is the live membership of one nginx upstream.
type Upstream struct {
	// ID names the upstream in nginx and, as a DNS label (RFC 1035, at most 63
	// octets), in the SRV query with which nginx asks for its members.
	ID string `json:"id"`
	// Endpoints are sorted by address, then port. Never empty: an upstream
	// without ready endpoints has the sentinel that answers 503 (or 500 for an
	// invalid backendRef).
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is one member of an upstream.
type Endpoint struct {
	// Address is an IPv4 or IPv6 address, without brackets.
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	// Weight is the member's share (RFC 2782 weight), 1 to 65535.
	Weight uint16 `json:"weight"`
}

// ConfigHash identifies what nginx reads at a reload: two bundles with the same
// ConfigHash need no reload between them.
func (b Bundle) ConfigHash() string { return hashOf(b.Files, b.DrainSeconds) }

// Hash identifies the whole bundle, certificates and endpoints included. The
// generation is part of it, so that a data plane's answer always tells which
// generation of the Gateway it serves.
func (b Bundle) Hash() string { return b.Hashes().Whole() }

func hashOf(values ...any) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, v := range values {
		// Encoding plain structs of strings, bytes and integers into a hash
		// cannot fail.
		_ = enc.Encode(v)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Sort orders files, certificates, upstreams, endpoints and hop rules, so that equal
// content has equal hashes. Builders call it once, last.
func (b *Bundle) Sort() {
	byPath := func(x, y File) int { return strings.Compare(x.Path, y.Path) }
	slices.SortFunc(b.Files, byPath)
	slices.SortFunc(b.Certificates, byPath)
	sortUpstreams(b.Upstreams)
	b.Hop.sort()
}

// Encode returns the compressed wire form: gzip over JSON. Equal bundles have
// equal encodings.
func (b Bundle) Encode() ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if err := json.NewEncoder(z).Encode(b); err != nil {
		return nil, fmt.Errorf("encode bundle of Gateway %s: %w", b.Gateway, err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress bundle of Gateway %s: %w", b.Gateway, err)
	}
	return out.Bytes(), nil
}

// Decode reads the wire form. It fails on damaged input and on anything that
// inflates to more than MaxDecodedBytes.
func Decode(r io.Reader) (Bundle, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return Bundle{}, fmt.Errorf("decompress bundle: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(z, MaxDecodedBytes+1))
	if err != nil {
		return Bundle{}, fmt.Errorf("decompress bundle: %w", err)
	}
	if len(data) > MaxDecodedBytes {
		return Bundle{}, fmt.Errorf("bundle is larger than %d bytes", MaxDecodedBytes)
	}
	var b Bundle
	if err := json.Unmarshal(data, &b); err != nil {
		return Bundle{}, fmt.Errorf("decode bundle: %w", err)
	}
	return b, nil
}
