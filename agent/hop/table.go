package hop

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// Table is what a bundle says about the hop, ready for use.
type Table struct {
	rules      map[string]*rule
	transports map[way]*http.Transport
}

// empty is the table of a bundle without hop rules.
func (t *Table) empty() bool { return t == nil || len(t.rules) == 0 }

// rule is a bundle.HopRule, ready for use.
type rule struct {
	id             string
	requestTimeout time.Duration
	backendTimeout time.Duration
	// retries, codes and backoff are those of HopRetry; retry says that there
	// is one.
	retry    bool
	retries  int
	codes    []int
	backoff  time.Duration
	backends []*backend
	balance  *balance
	// auth is nil where all requests are let in.
	auth    *auth
	mirrors []mirror
}

// backend is a bundle.HopBackend, ready for use.
type backend struct {
	scheme          string
	upstream        *upstream
	transport       *http.Transport
	plainHTTP2      bool
	requestHeaders  []bundle.HopHeaderChange
	responseHeaders []bundle.HopHeaderChange
	rewrite         *bundle.HopRewrite
}

func (r *rule) pick() *backend {
	i := r.balance.pick(func(int) bool { return true })
	if i < 0 {
		return nil
	}
	return r.backends[i]
}

// Prepare reads what the bundle says about the hop. It fails if that
// contradicts itself, or names a CA bundle or certificate that is not in the
// bundle or cannot be read; the error is for the bundle's author. Nothing
// changes until Use. The bundle's certificates have been checked to be pairs.
func (s *Server) Prepare(b bundle.Bundle) (*Table, error) {
	t := &Table{rules: map[string]*rule{}, transports: map[way]*http.Transport{}}
	if len(b.Hop.Rules) == 0 {
		return t, nil
	}
	p := preparation{server: s, bundle: &b, table: t, upstreams: map[string]*upstream{}}
	for _, u := range b.Hop.Upstreams {
		if p.upstreams[u.ID] != nil {
			return nil, fmt.Errorf("upstream %q of the hop occurs twice", u.ID)
		}
		if err := checkEndpoints(u); err != nil {
			return nil, err
		}
		p.upstreams[u.ID] = newUpstream(u, s.failures)
	}
	for i := range b.Hop.Rules {
		source := &b.Hop.Rules[i]
		if t.rules[source.ID] != nil {
			return nil, fmt.Errorf("hop rule %q occurs twice", source.ID)
		}
		r, err := p.rule(source)
		if err != nil {
			return nil, fmt.Errorf("hop rule %q: %w", source.ID, err)
		}
		t.rules[source.ID] = r
	}
	return t, nil
}

// preparation makes one table.
type preparation struct {
	server    *Server
	bundle    *bundle.Bundle
	table     *Table
	upstreams map[string]*upstream
}

func (p *preparation) rule(source *bundle.HopRule) (*rule, error) {
	if err := checkRule(source); err != nil {
		return nil, err
	}
	r := &rule{
		id:             source.ID,
		requestTimeout: time.Duration(source.RequestTimeoutMillis) * time.Millisecond,
		backendTimeout: time.Duration(source.BackendTimeoutMillis) * time.Millisecond,
	}
	if retry := source.Retry; retry != nil {
		r.retry, r.retries, r.codes = true, retry.Attempts, slices.Clone(retry.Codes)
		r.backoff = time.Duration(retry.BackoffMillis) * time.Millisecond
	}
	backends, err := p.auth(r, source)
	if err != nil {
		return nil, err
	}
	var weights []int64
	for i := range backends {
		b, err := p.backend(&backends[i])
		if err != nil {
			return nil, fmt.Errorf("backend %d: %w", i, err)
		}
		r.backends = append(r.backends, b)
		weights = append(weights, int64(backends[i].Weight))
	}
	r.balance = newBalance(weights)
	r.mirrors, err = p.mirrors(source.Mirrors)
	return r, err
}

// auth reads who lets requests in, and returns the backends behind them.
func (p *preparation) auth(r *rule, source *bundle.HopRule) ([]bundle.HopBackend, error) {
	guards := 0
	backends := source.Backends
	if a := source.Auth; a != nil {
		guards++
		backends = a.Backends
		server, err := p.authServer(&a.Server, checkAuth(a))
		if err != nil {
			return nil, err
		}
		r.auth = newAuth(a, server)
	}
	if a := source.GRPCAuth; a != nil {
		guards++
		backends = a.Backends
		server, err := p.authServer(&a.Server, checkCallAuth(a))
		if err != nil {
			return nil, err
		}
		r.auth = newCallAuth(a, server)
	}
	switch {
	case guards > 0 && len(source.Backends) > 0:
		return nil, errors.New("it has backends that nobody guards")
	case guards > 1:
		return nil, errors.New("it has two authorization servers")
	}
	return backends, nil
}

func (p *preparation) authServer(source *bundle.HopBackend, fault error) (*backend, error) {
	if fault != nil {
		return nil, fault
	}
	server, err := p.backend(source)
	if err != nil {
		return nil, fmt.Errorf("authorization server: %w", err)
	}
	return server, nil
}

func (p *preparation) backend(source *bundle.HopBackend) (*backend, error) {
	if err := checkBackend(source); err != nil {
		return nil, err
	}
	u, ok := p.upstreams[source.Upstream]
	if !ok {
		return nil, fmt.Errorf("the hop has no upstream %q", source.Upstream)
	}
	b := &backend{
		scheme: "http", upstream: u, plainHTTP2: source.HTTP2 && source.TLS == nil,
		requestHeaders: source.RequestHeaders, responseHeaders: source.ResponseHeaders, rewrite: source.Rewrite,
	}
	if source.TLS != nil {
		b.scheme = "https"
	}
	var err error
	b.transport, err = p.transport(source)
	return b, err
}

// transport returns the one that exists for the same way, so that connections
// outlive the table.
func (p *preparation) transport(source *bundle.HopBackend) (*http.Transport, error) {
	o := transportOptions{HTTP2: source.HTTP2, TLS: source.TLS}
	if source.TLS != nil {
		var err error
		o.CA, err = find(p.bundle.Files, source.TLS.CA)
		if err != nil {
			return nil, err
		}
		o.Certificate, err = find(p.bundle.Certificates, source.TLS.ClientCertificate)
		if err != nil {
			return nil, err
		}
	}
	w := o.way()
	if t := p.table.transports[w]; t != nil {
		return t, nil
	}
	t := p.server.transport(w)
	if t == nil {
		var err error
		if t, err = newTransport(o); err != nil {
			return nil, err
		}
		if dial := p.server.options.Dial; dial != nil {
			t.DialContext = dial
		}
	}
	p.table.transports[w] = t
	return t, nil
}

var errNoFile = errors.New("the bundle has no such file")

func find(files []bundle.File, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	for _, f := range files {
		if f.Path == path {
			return f.Data, nil
		}
	}
	return nil, fmt.Errorf("%q: %w", path, errNoFile)
}
