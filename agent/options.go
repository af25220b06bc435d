package agent

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// GraceVariable is the environment variable with the time that the pod has for
// stopping, in seconds: its terminationGracePeriodSeconds less a margin.
const GraceVariable = "GATEWRIGHT_GRACE_SECONDS"

// Options of Run. Zero values stand for the data-plane pod.
type Options struct {
	// RunDir is writable; nginx's configuration and certificates live below it.
	RunDir string
	// StoredDir holds the last good bundle, if there is one.
	StoredDir string
	// IdentityDir holds tls.crt, tls.key and ca.crt.
	IdentityDir string
	// NginxCommand is nginx's path, and arguments that come before all others.
	NginxCommand []string

	// ControlAddress is where bundles are taken (mutual TLS).
	ControlAddress string
	// HealthAddress is where /readyz, /livez and /metrics are served.
	HealthAddress string
	// ResolverAddress is where nginx's DNS queries are answered.
	ResolverAddress string
	// StatusAddress is the status server of nginx's configuration.
	StatusAddress string

	// ApplyTimeout bounds a reload, and then again the way back from one that
	// failed. Default 60 s.
	ApplyTimeout time.Duration
	// PreStopDelay is how long the agent serves on after it was asked to stop,
	// so that load balancers take note. Default 5 s.
	PreStopDelay time.Duration
	// Grace is the time from being asked to stop until nginx is cut off, at the
	// most: the bundle may say less. Default: GraceVariable, else 25 s.
	Grace time.Duration
	// MaxDrainingGenerations bounds how many replaced generations of workers
	// may live on with websockets; each worker has the memory of a whole one.
	// Few more may for the seconds in which they only keep connections alive.
	// Default 8.
	MaxDrainingGenerations int

	// Signals are requests to stop; the first drains, the second cuts off.
	// Default: the process's SIGTERM and SIGINT.
	Signals <-chan os.Signal
	Logger  *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	o.RunDir = cmp.Or(o.RunDir, bundle.RunDir)
	o.StoredDir = cmp.Or(o.StoredDir, bundle.StoredDir)
	o.IdentityDir = cmp.Or(o.IdentityDir, bundle.IdentityDir)
	o.ControlAddress = cmp.Or(o.ControlAddress, portAddress("", bundle.ControlPort))
	o.HealthAddress = cmp.Or(o.HealthAddress, portAddress("", bundle.HealthPort))
	o.ResolverAddress = cmp.Or(o.ResolverAddress, portAddress("127.0.0.1", bundle.ResolverPort))
	o.StatusAddress = cmp.Or(o.StatusAddress, portAddress("127.0.0.1", bundle.StatusPort))
	o.ApplyTimeout = cmp.Or(o.ApplyTimeout, time.Minute)
	o.PreStopDelay = cmp.Or(o.PreStopDelay, 5*time.Second)
	o.MaxDrainingGenerations = cmp.Or(o.MaxDrainingGenerations, 8)
	if len(o.NginxCommand) == 0 {
		o.NginxCommand = []string{"nginx"}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Grace == 0 {
		grace, err := graceFrom(os.Getenv(GraceVariable))
		if err != nil {
			return o, err
		}
		o.Grace = grace
	}
	return o, nil
}

func graceFrom(value string) (time.Duration, error) {
	if value == "" {
		return 25 * time.Second, nil
	}
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", GraceVariable, err)
	}
	return time.Duration(seconds) * time.Second, nil
}

func portAddress(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// The layout of RunDir.
func (o Options) confLink() string       { return filepath.Join(o.RunDir, "conf") }
func (o Options) generationsDir() string { return filepath.Join(o.RunDir, "generations") }
func (o Options) certDir() string        { return filepath.Join(o.RunDir, "certs") }
func (o Options) tmpDir() string         { return filepath.Join(o.RunDir, "tmp") }
func (o Options) hopSocket() string      { return filepath.Join(o.RunDir, filepath.Base(bundle.HopSocket)) }
func (o Options) pidFile() string        { return filepath.Join(o.RunDir, "nginx.pid") }
