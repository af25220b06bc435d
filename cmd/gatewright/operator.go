package main

import (
	"log/slog"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatewright/gatewright/cmd/footprint"
	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/operator"
)

type operatorCommand struct {
	Namespace            string `required:"" help:"The operator's own namespace." env:"POD_NAMESPACE"`
	NginxImage           string `required:"" help:"Image of the nginx pods, by tag or digest."`
	NginxImagePullPolicy string `default:"IfNotPresent" enum:"IfNotPresent,Always,Never" help:"Pull policy of that image."`
	LeaderElection       bool   `default:"true" negatable:"" help:"Act only while holding the lease, so that several replicas can run."`
	MetricsAddress       string `default:":8080" help:"Where to serve /metrics; 0 for nowhere."`
	HealthAddress        string `default:":8081" help:"Where to serve /healthz and /readyz; 0 for nowhere."`
	PprofAddress         string `help:"Where to serve profiles at /debug/pprof/, say localhost:6060; nowhere by default."`

	WebhookCertificate   bool   `default:"true" negatable:"" help:"Make and renew the webhook's certificate; --no-webhook-certificate where cert-manager does."`
	WebhookSecret        string `default:"gatewright-webhook-tls" help:"Secret of the webhook's certificate."`
	WebhookService       string `default:"gatewright-webhook" help:"Service of the webhook."`
	WebhookConfiguration string `default:"gatewright" help:"Name of the validating and of the mutating webhook configuration."`
}

// Run is the operator until it is asked to stop.
func (c operatorCommand) Run(log *slog.Logger) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	go footprint.Tend(ctx)
	return operator.Run(ctx, operator.Options{
		Config:         config,
		Namespace:      c.Namespace,
		Compiler:       compiler.Options{Infra: infra.Options{Image: c.NginxImage, ImagePullPolicy: c.NginxImagePullPolicy}},
		LeaderElection: c.LeaderElection,
		MetricsAddress: c.MetricsAddress,
		HealthAddress:  c.HealthAddress,
		PprofAddress:   c.PprofAddress,
		WebhookCertificate: operator.WebhookCertificate{
			Enabled: c.WebhookCertificate, Secret: c.WebhookSecret, Service: c.WebhookService, Configuration: c.WebhookConfiguration,
		},
		Log: logr.FromSlogHandler(log.Handler()),
	})
}
