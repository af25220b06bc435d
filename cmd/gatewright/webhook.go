package main

import (
	"log/slog"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatewright/gatewright/cmd/footprint"
	"github.com/gatewright/gatewright/webhooks"
)

type webhookCommand struct {
	CertDir        string   `required:"" help:"Directory with tls.crt and tls.key." placeholder:"DIR"`
	Port           int      `default:"9443" help:"Port that the API server calls."`
	MetricsAddress string   `default:":8080" help:"Where to serve /metrics; 0 for nowhere."`
	ClientCA       string   `help:"File with the authorities of client certificates: the API server has to show one." placeholder:"FILE"`
	ClientNames    []string `help:"Names of which the client certificate must have one." placeholder:"NAME"`
	HealthAddress  string   `default:":8081" help:"Where to serve /healthz and /readyz; 0 for nowhere."`
	PprofAddress   string   `help:"Where to serve profiles at /debug/pprof/, say localhost:6060; nowhere by default."`
}

// Run is the webhook until it is asked to stop.
func (c webhookCommand) Run(log *slog.Logger) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	go footprint.Tend(ctx)
	return webhooks.Run(ctx, webhooks.Options{
		Config: config, CertDir: c.CertDir, Port: c.Port,
		MetricsAddress: c.MetricsAddress, HealthAddress: c.HealthAddress, PprofAddress: c.PprofAddress,
		Caller: webhooks.Caller{CA: c.ClientCA, Names: c.ClientNames},
		Log:    logr.FromSlogHandler(log.Handler()),
	})
}
