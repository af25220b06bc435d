package observer

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/compiler/snapshot"
)

// Observer reads snapshots. It is safe for concurrent use.
type Observer struct {
	cached client.Reader
	// secrets and configMaps are nil for who has no right to them.
	secrets    *contentReader[*corev1.Secret]
	configMaps *contentReader[*corev1.ConfigMap]
	issuing    *CertManager
}

// New returns an Observer for the operator: it reads from the cache, and the
// contents of Secrets and ConfigMaps from the live client.
func New(cached, live client.Reader, issuing *CertManager) *Observer {
	return &Observer{
		cached:     cached,
		secrets:    newContentReader(cached, live, "Secret", func() *corev1.Secret { return &corev1.Secret{} }),
		configMaps: newContentReader(cached, live, "ConfigMap", func() *corev1.ConfigMap { return &corev1.ConfigMap{} }),
		issuing:    issuing,
	}
}

// WithoutSecrets returns an Observer for the webhook, which has no right to
// Secrets and no use for endpoints.
func WithoutSecrets(cached client.Reader, issuing *CertManager) *Observer {
	return &Observer{cached: cached, issuing: issuing}
}

// Observe returns what the cache holds now. It fails if the cache does, or if a
// Secret or ConfigMap cannot be read though it is there.
func (o *Observer) Observe(ctx context.Context) (snapshot.Snapshot, error) {
	s, err := o.objects(ctx)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	if err := o.certManager(ctx, &s); err != nil {
		return snapshot.Snapshot{}, err
	}
	if o.secrets == nil {
		s.SecretsUnknown = true
		return s, nil
	}
	if s.GatewayAPI, err = o.gatewayAPI(ctx); err != nil {
		return snapshot.Snapshot{}, err
	}
	var slices discoveryv1.EndpointSliceList
	if err := o.lists(ctx, &slices); err != nil {
		return snapshot.Snapshot{}, err
	}
	s.EndpointSlices = snapshot.SetOf(pointers(slices.Items)...)
	names := interestOf(s).contents
	secrets, err := o.secrets.read(ctx, names.secrets)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	configMaps, err := o.configMaps.read(ctx, names.configMaps)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	s.Secrets, s.ConfigMaps = snapshot.SetOf(secrets...), snapshot.SetOf(configMaps...)
	return s, nil
}

func (o *Observer) objects(ctx context.Context) (snapshot.Snapshot, error) {
	var (
		classes      gatewayv1.GatewayClassList
		gateways     gatewayv1.GatewayList
		httpRoutes   gatewayv1.HTTPRouteList
		grpcRoutes   gatewayv1.GRPCRouteList
		tlsRoutes    gatewayv1.TLSRouteList
		tcpRoutes    gatewayv1.TCPRouteList
		udpRoutes    gatewayv1.UDPRouteList
		listenerSets gatewayv1.ListenerSetList
		tlsPolicies  gatewayv1.BackendTLSPolicyList
		grants       gatewayv1.ReferenceGrantList
		policies     v1alpha1.WebSocketPolicyList
		configs      v1alpha1.GatewayConfigList
		namespaces   corev1.NamespaceList
		services     corev1.ServiceList
	)
	if err := o.lists(ctx,
		&classes, &gateways, &httpRoutes, &grpcRoutes, &tlsRoutes, &tcpRoutes, &udpRoutes, &listenerSets, &tlsPolicies,
		&grants, &policies, &configs, &namespaces, &services,
	); err != nil {
		return snapshot.Snapshot{}, err
	}
	return snapshot.Snapshot{
		GatewayClasses:     snapshot.SetOf(pointers(classes.Items)...),
		Gateways:           snapshot.SetOf(pointers(gateways.Items)...),
		HTTPRoutes:         snapshot.SetOf(pointers(httpRoutes.Items)...),
		GRPCRoutes:         snapshot.SetOf(pointers(grpcRoutes.Items)...),
		TLSRoutes:          snapshot.SetOf(pointers(tlsRoutes.Items)...),
		TCPRoutes:          snapshot.SetOf(pointers(tcpRoutes.Items)...),
		UDPRoutes:          snapshot.SetOf(pointers(udpRoutes.Items)...),
		ListenerSets:       snapshot.SetOf(pointers(listenerSets.Items)...),
		BackendTLSPolicies: snapshot.SetOf(pointers(tlsPolicies.Items)...),
		ReferenceGrants:    snapshot.SetOf(pointers(grants.Items)...),
		WebSocketPolicies:  snapshot.SetOf(pointers(policies.Items)...),
		GatewayConfigs:     snapshot.SetOf(pointers(configs.Items)...),
		Namespaces:         snapshot.SetOf(pointers(namespaces.Items)...),
		Services:           snapshot.SetOf(pointers(services.Items)...),
	}, nil
}

// lists reads without copying: nobody changes what lies in a snapshot.
func (o *Observer) lists(ctx context.Context, into ...client.ObjectList) error {
	for _, list := range into {
		if err := o.cached.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("list %T: %w", list, err)
		}
	}
	return nil
}

func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}
