package homelab

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatewright/gatewright/test/cluster"
)

// requestTimeout is long enough for what a person would wait.
const requestTimeout = 10 * time.Second

// pollInterval is the pause between two looks at the cluster.
const pollInterval = 100 * time.Millisecond

// Laptop returns an HTTP client on the home LAN, outside the cluster, whose
// name server has all names at the one address. It trusts the lab's authority,
// follows no redirects and speaks HTTP/1.1.
func (l *Lab) Laptop(address string) *http.Client {
	return &http.Client{
		Transport:     l.Transport(address),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       requestTimeout,
	}
}

// Transport is what [Lab.Laptop] sends requests with, for those who want more
// of it.
func (l *Lab) Transport(address string) *http.Transport {
	lan := l.Cluster.Network(cluster.Client)
	return &http.Transport{
		DialContext: func(ctx context.Context, network, hostPort string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(hostPort)
			if err != nil {
				return nil, err
			}
			return lan.DialContext(ctx, network, net.JoinHostPort(address, port))
		},
		TLSClientConfig: &tls.Config{RootCAs: l.Authority.Pool(), MinVersion: tls.VersionTLS12},
	}
}

// Eventually calls check until it returns nil. When the context ends first, it
// returns what check said last.
func Eventually(ctx context.Context, check func(context.Context) error) error {
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		// That the time is up says less than what was wrong before.
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (until %w)", last, context.Cause(ctx))
		case <-time.After(pollInterval):
		}
	}
}

// IsTrue tells why a condition is not True for a generation.
func IsTrue(conditions []metav1.Condition, kind string, generation int64) error {
	for _, c := range conditions {
		switch {
		case c.Type != kind:
		case c.ObservedGeneration < generation:
			return fmt.Errorf("%s is of generation %d, not of %d", kind, c.ObservedGeneration, generation)
		case c.Status != metav1.ConditionTrue:
			return fmt.Errorf("%s=%s, %s: %s", kind, c.Status, c.Reason, c.Message)
		default:
			return nil
		}
	}
	return fmt.Errorf("there is no condition %s", kind)
}
