package main

import (
	"log/slog"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatewright/gatewright/webhooks"
)

type webhookCommand struct {
	CertDir        string `required:"" help:"Directory with tls.crt and tls.key." placeholder:"DIR"`
	Port           int    `default:"9443" help:"Port that the API server calls."`
	MetricsAddress string `default:":8080" help:"Where to serve /metrics; 0 for nowhere."`
	HealthAddress  string `default:":8081" help:"Where to serve /healthz and /readyz; 0 for nowhere."`
}

// Run is the webhook until it is asked to stop.
func (c webhookCommand) Run(log *slog.Logger) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	return webhooks.Run(ctx, webhooks.Options{
		Config: config, CertDir: c.CertDir, Port: c.Port,
		MetricsAddress: c.MetricsAddress, HealthAddress: c.HealthAddress,
		Log: logr.FromSlogHandler(log.Handler()),
	})
}
