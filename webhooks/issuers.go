package webhooks

import (
	"fmt"

	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/gatewright/gatewright/observer"
)

// watchIssuers reads cert-manager's issuers for as long as the cluster has them.
func watchIssuers(m manager.Manager) (*observer.CertManager, error) {
	api, err := discovery.NewDiscoveryClientForConfigAndClient(m.GetConfig(), m.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("ask the API server for its kinds: %w", err)
	}
	issuing := observer.NewCertManager(observer.CertManagerOptions{
		Cache: m.GetCache(), Discovery: api, Scheme: m.GetScheme(), Kinds: observer.IssuerKinds(),
		Log: m.GetLogger().WithName("certificates"),
	})
	if err := m.Add(issuing); err != nil {
		return nil, fmt.Errorf("watch cert-manager's issuers: %w", err)
	}
	return issuing, nil
}
