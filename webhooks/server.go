package webhooks

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
)

// Options say where the webhook finds the cluster and listens.
type Options struct {
	// Config reaches the API server.
	Config *rest.Config
	// CertDir holds tls.crt and tls.key; a renewed pair is taken up while
	// running.
	CertDir string
	// Port that the API server calls, on all addresses; 9443 when 0.
	Port int
	// MetricsAddress and HealthAddress (/healthz, /readyz) to listen on: ":8080"
	// and ":8081" when empty, "0" for none.
	MetricsAddress string
	HealthAddress  string
	// PprofAddress to serve /debug/pprof/ on; none when empty.
	PprofAddress string
	// Caller says who may ask.
	Caller Caller
	Log    logr.Logger
}

// Run serves until the context ends. Any number of replicas may run: none of
// them leads.
func Run(ctx context.Context, o Options) error {
	log.SetLogger(o.Log)
	m, err := manager.New(o.Config, manager.Options{
		Logger: o.Log,
		Scheme: observer.Scheme(),
		Cache:  observer.CacheOptions(),
		WebhookServer: webhook.NewServer(webhook.Options{
			Port: o.Port, CertDir: o.CertDir, TLSOpts: []func(*tls.Config){o.Caller.restrict},
		}),
		Metrics:                metricsserver.Options{BindAddress: cmp.Or(o.MetricsAddress, ":8080")},
		HealthProbeBindAddress: cmp.Or(o.HealthAddress, ":8081"),
		PprofBindAddress:       o.PprofAddress,
	})
	if err != nil {
		return fmt.Errorf("setting up the webhook: %w", err)
	}
	for _, kind := range observer.Kinds() {
		// Started with the manager, so that the first request finds all.
		if _, err := m.GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watching %T: %w", kind, err)
		}
	}
	issuing, err := watchIssuers(m)
	if err != nil {
		return err
	}
	// The manager starts its server because it is asked for it.
	server := m.GetWebhookServer()
	for path, handler := range Handlers(m.GetScheme(), observer.WithoutSecrets(m.GetCache(), issuing).Observe) {
		server.Register(path, handler)
	}
	if err := errors.Join(
		m.AddHealthzCheck("webhook", server.StartedChecker()),
		m.AddReadyzCheck("webhook", server.StartedChecker()),
		m.AddReadyzCheck("cache", synced(m.GetCache())),
	); err != nil {
		return fmt.Errorf("setting up the webhook's probes: %w", err)
	}
	if err := m.Start(ctx); err != nil {
		return fmt.Errorf("serving admission requests: %w", err)
	}
	return nil
}

// synced fails until the cache holds what the cluster holds.
func synced(c cache.Cache) func(*http.Request) error {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if !c.WaitForCacheSync(ctx) {
			return errors.New("the cluster has not been read yet")
		}
		return nil
	}
}

// Handlers returns what answers at which path. All of them share one
// intake.
func Handlers(scheme *runtime.Scheme, observe func(context.Context) (snapshot.Snapshot, error)) map[string]http.Handler {
	in := newIntake()
	// theirs are kinds that nobody is to be kept from because we fail; ours may
	// wait. The failurePolicy of each webhook says the same.
	theirs := func(w *admission.Webhook) http.Handler { return bounded(guarded(w, true), in) }
	ours := func(w *admission.Webhook) http.Handler { return bounded(guarded(w, false), in) }
	return map[string]http.Handler{
		httpRouteMutatePath:          theirs(mutate(scheme, httpRouteDefaulter{observe}, &gatewayv1.HTTPRoute{})),
		httpRouteValidatePath:        theirs(validate(scheme, observe, &gatewayv1.HTTPRoute{})),
		grpcRouteValidatePath:        theirs(validate(scheme, observe, &gatewayv1.GRPCRoute{})),
		tlsRouteValidatePath:         theirs(validate(scheme, observe, &gatewayv1.TLSRoute{})),
		tcpRouteValidatePath:         theirs(validate(scheme, observe, &gatewayv1.TCPRoute{})),
		udpRouteValidatePath:         theirs(validate(scheme, observe, &gatewayv1.UDPRoute{})),
		listenerSetMutatePath:        theirs(mutate(scheme, listenerSetDefaulter{observe}, &gatewayv1.ListenerSet{})),
		listenerSetValidatePath:      theirs(validate(scheme, observe, &gatewayv1.ListenerSet{})),
		backendTLSPolicyValidatePath: theirs(validate(scheme, observe, &gatewayv1.BackendTLSPolicy{})),
		gatewayClassValidatePath:     theirs(validate(scheme, observe, &gatewayv1.GatewayClass{})),
		gatewayMutatePath:            theirs(mutate(scheme, gatewayDefaulter{observe}, &gatewayv1.Gateway{})),
		gatewayValidatePath:          theirs(validate(scheme, observe, &gatewayv1.Gateway{})),
		gatewayConfigValidatePath:    ours(validate(scheme, observe, &v1alpha1.GatewayConfig{})),
		webSocketPolicyValidatePath:  ours(validate(scheme, observe, &v1alpha1.WebSocketPolicy{})),
		referenceGrantValidatePath:   theirs(validate(scheme, observe, &gatewayv1.ReferenceGrant{})),
		serviceValidatePath:          theirs(validate(scheme, observe, &corev1.Service{})),
		secretValidatePath:           theirs(&admission.Webhook{Handler: secretValidator{observe}}),
	}
}

func guarded(w *admission.Webhook, open bool) *admission.Webhook {
	w.Handler = guard{next: w.Handler, open: open}
	return w
}
