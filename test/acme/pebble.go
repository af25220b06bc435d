package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/pki"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

var (
	acmeServer = net.JoinHostPort(topology.LANHostIP, "14000")
	// management is Pebble's own interface, beside ACME.
	management = net.JoinHostPort(topology.LANHostIP, "15000")
	directory  = "https://" + acmeServer + "/dir"
)

// startPebble starts the ACME server, and fetches the root that it made.
func (a *Authority) startPebble(ctx context.Context, program string) error {
	authority, err := pki.NewAuthority(a.dir)
	if err != nil {
		return err
	}
	if err := authority.Server("pebble", topology.LANHostIP); err != nil {
		return err
	}
	if a.trusted, err = os.ReadFile(filepath.Join(a.dir, "ca.crt")); err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": acmeServer, "managementListenAddress": management,
		"certificate": filepath.Join(a.dir, "pebble.crt"), "privateKey": filepath.Join(a.dir, "pebble.key"),
		"httpPort": 80, "tlsPort": 443,
		// Seconds that a client is asked to wait before it asks again.
		"retryAfter":   map[string]int{"authz": 1, "order": 1},
		"keyAlgorithm": "ecdsa",
	}})
	if err != nil {
		return fmt.Errorf("encode its configuration: %w", err)
	}
	file := filepath.Join(a.dir, "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return fmt.Errorf("configure it: %w", err)
	}
	// It would wait for up to 15 seconds before it validates, and every other
	// time not validate at all a name that it has validated before.
	err = a.run(ctx, "pebble", acmeServer, "env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0",
		program, "-config", file, "-dnsserver", nameServer)
	if err != nil {
		return err
	}
	a.root, err = a.fetchRoot(ctx)
	return err
}

func (a *Authority) fetchRoot(ctx context.Context) (*x509.Certificate, error) {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(a.trusted)
	transport := &http.Transport{
		DialContext:     a.lab.Cluster.Network(cluster.LANHost).DialContext,
		TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+management+"/roots/0", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch the root certificate: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("fetch the root certificate: %w", err)
	}
	block, _ := pem.Decode(content)
	if response.StatusCode != http.StatusOK || block == nil {
		return nil, fmt.Errorf("fetch the root certificate: %s: %s", response.Status, content)
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the root certificate: %w", err)
	}
	return root, nil
}
