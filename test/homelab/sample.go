package homelab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

// What the sample holds.
const (
	Whoami        = "whoami.jarrett.net"
	HomeAssistant = "ha.jarrett.net"
	// SecondDomain is served once SecondDomainFile is applied.
	SecondDomain     = "whoami.example.org"
	SecondDomainFile = "later/second-domain.yaml"
	GatewayFile      = "2-gateway.yaml"
)

// Gateway is the sample's.
var Gateway = types.NamespacedName{Namespace: "infra", Name: "jarrett-net"}

// homeAssistant is where the sample's EndpointSlice says that it is.
var homeAssistant = net.JoinHostPort(topology.LANHostIP, "8123")

// serveTimeout bounds how long it takes from applying to serving.
const serveTimeout = 2 * time.Minute

// SamplePath is a file of config/samples/homelab.
func (l *Lab) SamplePath(file string) string {
	return filepath.Join(l.module, "config", "samples", "homelab", file)
}

// ApplySample applies a file of the sample, or all but the later ones where it
// is empty, and returns what a user would see.
func (l *Lab) ApplySample(ctx context.Context, file string) (string, error) {
	return l.Kubectl(ctx, "apply", "--filename", l.SamplePath(file))
}

// ServeSample starts the Home Assistant on the LAN, makes the certificates,
// applies the sample and returns the Gateway's address as soon as everything is
// served.
func (l *Lab) ServeSample(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	if err := l.startHomeAssistant(ctx); err != nil {
		return "", err
	}
	if _, err := l.ApplySample(ctx, "1-namespaces.yaml"); err != nil {
		return "", err
	}
	for secret, name := range map[string]string{"jarrett-net-tls": "*.jarrett.net", "example-org-tls": "*.example.org"} {
		if err := l.PutCertificate(ctx, types.NamespacedName{Namespace: Gateway.Namespace, Name: secret}, name); err != nil {
			return "", err
		}
	}
	said, err := l.ApplySample(ctx, "")
	if err != nil {
		return "", err
	}
	fmt.Fprint(l.log, said)
	address, err := l.awaitServed(ctx)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, l.Describe(context.WithoutCancel(ctx)))
	}
	l.say("the sample is served at " + address)
	return address, nil
}

func (l *Lab) awaitServed(ctx context.Context) (string, error) {
	address, err := l.GatewayAddress(ctx, Gateway)
	if err != nil {
		return "", err
	}
	laptop := l.Laptop(address)
	for _, host := range []string{Whoami, HomeAssistant} {
		if err := Eventually(ctx, func(ctx context.Context) error { return answersOK(ctx, laptop, "https://"+host+"/") }); err != nil {
			return "", fmt.Errorf("wait for %s: %w", host, err)
		}
	}
	return address, nil
}

func answersOK(ctx context.Context, c *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 512))
		return fmt.Errorf("%s answers %s: %s", url, response.Status, body)
	}
	return nil
}

// GatewayAddress waits until a Gateway is Programmed and returns its first
// address.
func (l *Lab) GatewayAddress(ctx context.Context, key types.NamespacedName) (string, error) {
	var gateway gatewayv1.Gateway
	err := Eventually(ctx, func(ctx context.Context) error {
		if err := l.Client.Get(ctx, key, &gateway); err != nil {
			return err
		}
		if err := IsTrue(gateway.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed), gateway.Generation); err != nil {
			return err
		}
		if len(gateway.Status.Addresses) == 0 {
			return fmt.Errorf("it has no address")
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("wait for Gateway %s: %w", key, err)
	}
	return gateway.Status.Addresses[0].Value, nil
}

// startHomeAssistant starts the stand-in on the LAN, if it does not run yet. It
// ends with the cluster, in whose process namespace it lives.
func (l *Lab) startHomeAssistant(ctx context.Context) error {
	lan := l.Cluster.Network(cluster.LANHost)
	if conn, err := lan.DialContext(ctx, "tcp", homeAssistant); err == nil {
		return conn.Close()
	}
	program, err := l.buildStandin(ctx, "homeassistant")
	if err != nil {
		return fmt.Errorf("build the stand-in for Home Assistant: %w", err)
	}
	log, err := os.Create(filepath.Join(l.Cluster.LogDir(), "homeassistant.log"))
	if err != nil {
		return fmt.Errorf("open Home Assistant's log: %w", err)
	}
	defer log.Close()
	// The context is not its own: it is to live as long as the lab does. Pods
	// reach the LAN with the node's address.
	command := l.Cluster.Command(context.WithoutCancel(ctx), cluster.LANHost, program, "--listen", homeAssistant, "--trusted-proxies", topology.NodeIP)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start Home Assistant: %w", err)
	}
	// Nobody else collects it when it ends.
	go func() { _ = command.Wait() }()
	return Eventually(ctx, func(ctx context.Context) error {
		conn, err := lan.DialContext(ctx, "tcp", homeAssistant)
		if err != nil {
			return fmt.Errorf("home assistant does not listen: %w", err)
		}
		return conn.Close()
	})
}
