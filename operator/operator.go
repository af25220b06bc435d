package operator

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gatewright/gatewright/observer"
)

// owner is the one field owner of all that the operator writes.
const owner = client.FieldOwner("gatewright")

// Run is the operator, until ctx ends. It fails when the API server cannot be
// reached at the start, or leadership is lost.
func Run(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	ctrl.SetLogger(o.Log)
	m, err := ctrl.NewManager(o.Config, managerOptions(o))
	if err != nil {
		return fmt.Errorf("start the operator: %w", err)
	}
	for _, check := range []func(string, healthz.Checker) error{m.AddHealthzCheck, m.AddReadyzCheck} {
		if err := check("ping", healthz.Ping); err != nil {
			return fmt.Errorf("start the operator: %w", err)
		}
	}
	if err := setUp(m, o); err != nil {
		return fmt.Errorf("start the operator: %w", err)
	}
	if err := m.Start(ctx); err != nil {
		return fmt.Errorf("run the operator: %w", err)
	}
	return nil
}

func managerOptions(o Options) manager.Options {
	return manager.Options{
		Scheme:                  observer.Scheme(),
		Cache:                   cacheOptions(o),
		Logger:                  o.Log,
		LeaderElection:          o.LeaderElection,
		LeaderElectionID:        "gatewright-operator",
		LeaderElectionNamespace: o.Namespace,
		// The process ends with the manager.
		LeaderElectionReleaseOnCancel: true,
		Metrics:                       metricsserver.Options{BindAddress: o.MetricsAddress},
		HealthProbeBindAddress:        o.HealthAddress,
		PprofBindAddress:              o.PprofAddress,
		Client: client.Options{Cache: &client.CacheOptions{
			// Read from the cache, they would all be in memory.
			DisableFor: []client.Object{&corev1.Secret{}},
		}},
	}
}

// cacheOptions adds to the observer's what the operator alone reads: of kinds
// that clusters have many of, only its own objects.
func cacheOptions(o Options) cache.Options {
	options := observer.CacheOptions()
	options.ByObject = map[client.Object]cache.ByObject{
		&appsv1.Deployment{}:     {Label: selectManaged},
		&corev1.ServiceAccount{}: {Label: selectManaged},
		&corev1.Pod{}: {
			Label:     selectPods,
			Transform: trimPod,
		},
		// A load balancer says only in events why it gives no address.
		&corev1.Event{}: {Field: fields.SelectorFromSet(fields.Set{
			"involvedObject.kind": "Service",
			"type":                corev1.EventTypeWarning,
		})},
	}
	options.ByObject[observer.GatewayAPIMetadata()] = cache.ByObject{
		Field: fields.OneTermEqualSelector("metadata.name", observer.GatewayAPIName),
	}
	for _, configuration := range webhookConfigurations() {
		options.ByObject[configuration] = cache.ByObject{
			Field: fields.OneTermEqualSelector("metadata.name", o.WebhookCertificate.Configuration),
		}
	}
	return options
}

// trimPod keeps of a pod where it is and whether it is ready.
func trimPod(object any) (any, error) {
	if p, ok := object.(*corev1.Pod); ok {
		p.ManagedFields, p.Annotations, p.Spec = nil, nil, corev1.PodSpec{}
		p.Status = corev1.PodStatus{PodIP: p.Status.PodIP, Phase: p.Status.Phase, Conditions: p.Status.Conditions}
	}
	return object, nil
}
