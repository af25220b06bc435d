package operator

import (
	"cmp"
	"errors"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"

	"github.com/gatewright/gatewright/compiler"
)

// Options of Run.
type Options struct {
	// Config reaches the API server.
	Config *rest.Config
	// Namespace of the operator: its lease and its authority live there.
	Namespace string
	// Compiler's options: the same for everyone who compiles.
	Compiler compiler.Options
	// LeaderElection lets several replicas run, of which one acts.
	LeaderElection bool
	// MetricsAddress and HealthAddress to listen on; "0" for none.
	MetricsAddress string
	HealthAddress  string
	// PprofAddress to serve /debug/pprof/ on; none when empty.
	PprofAddress string
	// WebhookCertificate is what to do for the webhook's certificate.
	WebhookCertificate WebhookCertificate
	Log                logr.Logger
}

// WebhookCertificate describes the webhook that the operator makes a serving
// certificate for. The webhook itself has no right on any Secret.
type WebhookCertificate struct {
	// Enabled is false where someone else makes it, cert-manager for example.
	Enabled bool
	// Secret to write, in the operator's namespace.
	Secret string
	// Service under which the API server calls the webhook, in the same
	// namespace.
	Service string
	// Configuration is the name of the ValidatingWebhookConfiguration and of the
	// MutatingWebhookConfiguration to tell whom to trust.
	Configuration string
}

var (
	errNoNamespace = errors.New("the operator's namespace is not given")
	errNoImage     = errors.New("the nginx image is not given")
)

func (o Options) withDefaults() (Options, error) {
	if o.Namespace == "" {
		return o, errNoNamespace
	}
	if o.Compiler.Infra.Image == "" {
		return o, errNoImage
	}
	o.MetricsAddress = cmp.Or(o.MetricsAddress, ":8080")
	o.HealthAddress = cmp.Or(o.HealthAddress, ":8081")
	o.WebhookCertificate.Secret = cmp.Or(o.WebhookCertificate.Secret, "gatewright-webhook-tls")
	o.WebhookCertificate.Service = cmp.Or(o.WebhookCertificate.Service, "gatewright-webhook")
	o.WebhookCertificate.Configuration = cmp.Or(o.WebhookCertificate.Configuration, "gatewright")
	return o, nil
}
