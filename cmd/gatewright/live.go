package main

import (
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"

	"github.com/gatewright/gatewright/compiler/snapshot"
	"github.com/gatewright/gatewright/observer"
)

// cluster reads what the cluster of the kubeconfig holds. Secrets are not read:
// nobody needs the right to for checking manifests.
func (f *inputFlags) cluster() (snapshot.Snapshot, error) {
	ctx, stop := untilStopped()
	defer stop()
	rest, err := config.GetConfigWithContext(f.Context)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	live, err := client.New(rest, client.Options{Scheme: observer.Scheme()})
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	return observer.WithoutSecrets(live, nil).Observe(ctx)
}
