package main

import (
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gatewright/gatewright/cmd/commandline"
	"github.com/gatewright/gatewright/cmd/footprint"
	"github.com/gatewright/gatewright/compiler"
	"github.com/gatewright/gatewright/compiler/infra"
	"github.com/gatewright/gatewright/operator"
)

type operatorCommand struct {
	Namespace            string
	NginxImage           string
	NginxImagePullPolicy string
	LeaderElection       bool
	MetricsAddress       string
	HealthAddress        string
	PprofAddress         string

	WebhookCertificate   bool
	WebhookSecret        string
	WebhookService       string
	WebhookConfiguration string
}

func (c *operatorCommand) flags(f *pflag.FlagSet) {
	f.StringVar(&c.Namespace, "namespace", commandline.Environment("POD_NAMESPACE", ""), "The operator's own `namespace` ($POD_NAMESPACE).")
	f.StringVar(&c.NginxImage, "nginx-image", "", "`Image` of the nginx pods, by tag or digest.")
	c.NginxImagePullPolicy = "IfNotPresent"
	f.Var(commandline.Choice[string]{Value: &c.NginxImagePullPolicy, Of: []string{"IfNotPresent", "Always", "Never"}},
		"nginx-image-pull-policy", "Pull policy of that image.")
	c.LeaderElection = true
	commandline.Negatable(f, &c.LeaderElection, "leader-election", "Act only while holding the lease, so that several replicas can run.")
	f.StringVar(&c.MetricsAddress, "metrics-address", ":8080", "`Address` to serve /metrics at; 0 for none.")
	f.StringVar(&c.HealthAddress, "health-address", ":8081", "`Address` to serve /healthz and /readyz at; 0 for none.")
	f.StringVar(&c.PprofAddress, "pprof-address", "", "`Address` to serve profiles at, below /debug/pprof/, say localhost:6060; none by default.")
	c.WebhookCertificate = true
	commandline.Negatable(f, &c.WebhookCertificate, "webhook-certificate", "Make and renew the webhook's certificate; not where cert-manager does.")
	f.StringVar(&c.WebhookSecret, "webhook-secret", "gatewright-webhook-tls", "`Secret` of the webhook's certificate.")
	f.StringVar(&c.WebhookService, "webhook-service", "gatewright-webhook", "`Service` of the webhook.")
	f.StringVar(&c.WebhookConfiguration, "webhook-configuration", "gatewright", "`Name` of the validating and of the mutating webhook configuration.")
}

// run is the operator until it is asked to stop.
func (c *operatorCommand) run(log *slog.Logger) error {
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
