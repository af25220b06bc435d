package main

import (
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatewright/gatewright/cmd/footprint"
	"github.com/gatewright/gatewright/webhooks"
)

type webhookCommand struct {
	CertDir        string
	Port           int
	MetricsAddress string
	ClientCA       string
	ClientNames    []string
	HealthAddress  string
	PprofAddress   string
}

func (c *webhookCommand) flags(f *pflag.FlagSet) {
	f.StringVar(&c.CertDir, "cert-dir", "", "`DIR` with tls.crt and tls.key.")
	f.IntVar(&c.Port, "port", 9443, "`Port` that the API server calls.")
	f.StringVar(&c.MetricsAddress, "metrics-address", ":8080", "`Address` to serve /metrics at; 0 for none.")
	f.StringVar(&c.ClientCA, "client-ca", "", "`FILE` with the authorities of client certificates: the API server has to show one.")
	f.StringSliceVar(&c.ClientNames, "client-names", nil, "`NAMES` of which the client certificate must have one.")
	f.StringVar(&c.HealthAddress, "health-address", ":8081", "`Address` to serve /healthz and /readyz at; 0 for none.")
	f.StringVar(&c.PprofAddress, "pprof-address", "", "`Address` to serve profiles at, below /debug/pprof/, say localhost:6060; none by default.")
}

// run is the webhook until it is asked to stop.
func (c *webhookCommand) run(log *slog.Logger) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	footprint.CollectEarly()
	go footprint.Tend(ctx)
	return webhooks.Run(ctx, webhooks.Options{
		Config: config, CertDir: c.CertDir, Port: c.Port,
		MetricsAddress: c.MetricsAddress, HealthAddress: c.HealthAddress, PprofAddress: c.PprofAddress,
		Caller: webhooks.Caller{CA: c.ClientCA, Names: c.ClientNames},
		Log:    logr.FromSlogHandler(log.Handler()),
	})
}
