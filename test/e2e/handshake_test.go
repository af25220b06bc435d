package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gatewright/test/cluster"
)

// handshakeTarget is what to open TLS connections to.
type handshakeTarget struct {
	address, host string
	trusted       *x509.CertPool
}

// handshakes are new TLS connections, one after the other by each of several
// clients.
type handshakes struct {
	target  handshakeTarget
	stop    context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	seen     map[string]*sightings
	failures []string
}

// sightings are the handshakes that showed one certificate.
type sightings struct {
	count       int
	first, last time.Time
}

const (
	// shakers is the number of clients.
	shakers = 4
	// enough handshakes with a certificate show that it is served.
	enough = 200
)

// shakeHands opens connections until it is ended.
func shakeHands(t *testing.T, target handshakeTarget) *handshakes {
	t.Helper()
	h := &handshakes{target: target, seen: map[string]*sightings{}}
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	for range shakers {
		h.running.Go(func() {
			for ctx.Err() == nil {
				h.once()
			}
		})
	}
	t.Cleanup(func() { h.stop(); h.running.Wait() })
	return h
}

func (h *handshakes) once() {
	began := time.Now()
	shown, err := h.target.shake()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.failures = append(h.failures, fmt.Sprintf("%s: %v", began.Format("15:04:05.000"), err))
		return
	}
	s := h.seen[shown]
	if s == nil {
		s = &sightings{first: began}
		h.seen[shown] = s
	}
	s.count++
	s.last = time.Now()
}

// shake opens one connection and returns the serial number of the certificate
// that it was shown.
func (target handshakeTarget) shake() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	plain, err := lab.Cluster.Network(cluster.Client).DialContext(ctx, "tcp", net.JoinHostPort(target.address, "443"))
	if err != nil {
		return "", err
	}
	defer plain.Close()
	conn := tls.Client(plain, &tls.Config{ServerName: target.host, RootCAs: target.trusted, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		return "", err
	}
	return serial(conn.ConnectionState().PeerCertificates[0]), conn.Close()
}

// await waits for enough further handshakes with one certificate and no other.
func (h *handshakes) await(t *testing.T, wanted string) {
	t.Helper()
	last, target := "", 0
	eventually(t, func(context.Context) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		latest, at := "", time.Time{}
		for shown, s := range h.seen {
			if s.last.After(at) {
				latest, at = shown, s.last
			}
		}
		if latest != last {
			last, target = latest, 0
		}
		if last != wanted {
			return fmt.Errorf("the certificate with serial number %q is shown instead of %q; failures: %v", last, wanted, h.failures)
		}
		if target == 0 {
			target = h.seen[wanted].count + enough
		}
		if n := h.seen[wanted].count; n < target {
			return fmt.Errorf("the certificate with serial number %s was shown %d times, wait for %d", wanted, n, target)
		}
		return nil
	})
}

// first is when the first handshake began that showed a certificate.
func (h *handshakes) first(shown string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[shown].first
}

// last is when the latest handshake ended that showed a certificate.
func (h *handshakes) last(shown string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[shown].last
}

// end stops, reports what was seen, and fails the test if a handshake failed.
func (h *handshakes) end(t *testing.T) {
	t.Helper()
	h.stop()
	h.running.Wait()
	var report strings.Builder
	for shown, s := range h.seen {
		fmt.Fprintf(&report, "\nserial number %s: %d handshakes from %s to %s", shown, s.count,
			s.first.Format("15:04:05.000"), s.last.Format("15:04:05.000"))
	}
	t.Logf("%d handshakes failed%s", len(h.failures), report.String())
	for i, failure := range h.failures {
		if i == shownFailures {
			t.Errorf("and %d more", len(h.failures)-i)
			break
		}
		t.Errorf("a handshake failed at %s", failure)
	}
}

// stopwatch notes how long after its start things happened.
type stopwatch struct {
	start time.Time
	lines []string
}

func newStopwatch(what string) *stopwatch {
	return &stopwatch{start: time.Now(), lines: []string{"0s " + what}}
}

func (s *stopwatch) note(what string) { s.noteAt(time.Now(), what) }

func (s *stopwatch) noteAt(at time.Time, what string) {
	s.lines = append(s.lines, fmt.Sprintf("%s %s", at.Sub(s.start).Round(time.Second/10), what))
}

func (s *stopwatch) report(t *testing.T) {
	t.Helper()
	t.Log(strings.Join(s.lines, ", "))
}
