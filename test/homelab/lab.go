package homelab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatewright/gatewright/api/v1alpha1"
	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/image"
)

// Options say how to start a lab.
type Options struct {
	// Log takes progress.
	Log io.Writer
	// Detach lets the lab outlive this process.
	Detach bool
	// Replace ends a lab that was left running detached, and waits for any other
	// cluster on this machine to end.
	Replace bool
	// Arch is the GOARCH of Gatewright's own images; that of this machine when
	// empty. The machine must be able to run it (package emulation).
	Arch string
	// Channel of the Gateway API's CRDs; empty means Standard.
	Channel Channel
	// Images are further OCI archives that the node has from the start.
	Images []string
}

// Channel is a release channel of the Gateway API.
type Channel string

// The channels. Standard is what k3s brings.
const (
	Standard     Channel = "standard"
	Experimental Channel = "experimental"
)

// Lab is a cluster with Gatewright on it.
type Lab struct {
	// Cluster it runs on.
	Cluster *cluster.Cluster
	// Client reads and writes the cluster's objects, past all caches.
	Client client.Client
	// Authority signs the certificates of the Gateways.
	Authority *Authority

	log     io.Writer
	detach  bool
	arch    string
	channel Channel
	module  string
	helm    string
	begin   time.Time
}

// Up starts a cluster and installs the Gateway API and Gatewright's chart with
// images made from this repository.
func Up(ctx context.Context, o Options) (*Lab, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Channel == "" {
		o.Channel = Standard
	}
	lab := &Lab{log: o.Log, detach: o.Detach, arch: o.Arch, channel: o.Channel, begin: time.Now()}
	var err error
	if lab.module, err = image.ModuleDir(ctx); err != nil {
		return nil, err
	}
	images, err := lab.buildImages(ctx)
	if err != nil {
		return nil, err
	}
	if lab.helm, err = BuildHelm(ctx, lab.log, lab.module); err != nil {
		return nil, err
	}
	lab.say("images and helm built")
	if o.Replace {
		if err := lab.endDetached(); err != nil {
			return nil, err
		}
	}
	lab.Cluster, err = cluster.Up(ctx, cluster.Options{Log: lab.log, Detach: o.Detach, Wait: o.Replace, Images: append(images, o.Images...)})
	if err != nil {
		return nil, err
	}
	if err := lab.install(ctx); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, lab.Describe(ctx))
	}
	return lab, nil
}

// endDetached ends the demo, if it runs.
func (l *Lab) endDetached() error {
	running, err := cluster.Attach()
	if errors.Is(err, cluster.ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(detachedFile(running)); err != nil {
		// Somebody else's, who will end it.
		return nil
	}
	l.say("ending the demo that was left running")
	return running.Down()
}

// detachedFile marks a cluster as one that is nobody's to end.
func detachedFile(c *cluster.Cluster) string {
	return filepath.Join(filepath.Dir(c.Kubeconfig()), "detached")
}

func (l *Lab) install(ctx context.Context) (err error) {
	if l.detach {
		if err := os.WriteFile(detachedFile(l.Cluster), nil, 0o644); err != nil {
			return fmt.Errorf("mark the cluster: %w", err)
		}
	}
	if l.Client, err = newClient(l.Cluster.Kubeconfig()); err != nil {
		return err
	}
	if l.Authority, err = NewAuthority(); err != nil {
		return err
	}
	if err := os.WriteFile(l.AuthorityFile(), l.Authority.PEM(), 0o644); err != nil {
		return fmt.Errorf("keep the authority's certificate: %w", err)
	}
	if err := l.installGatewayAPI(ctx); err != nil {
		return err
	}
	if err := l.InstallChart(ctx); err != nil {
		return err
	}
	l.say("Gatewright installed")
	return nil
}

// Down ends the lab with its cluster.
func (l *Lab) Down() error { return l.Cluster.Down() }

// AuthorityFile is the certificate that clients of the lab must trust.
func (l *Lab) AuthorityFile() string {
	return filepath.Join(filepath.Dir(l.Cluster.Kubeconfig()), "homelab-ca.crt")
}

// say tells what is done, and how long after the start.
func (l *Lab) say(what string) {
	fmt.Fprintf(l.log, "%-40s %s\n", what, time.Since(l.begin).Round(time.Second/10))
}

func newClient(kubeconfig string) (client.Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	// What its packages would log, errors say as well.
	log.SetLogger(logr.Discard())
	// The suite polls; the default would make it wait for itself.
	config.QPS, config.Burst = 200, 400
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	return c, nil
}

// newScheme has the kinds that the sample and the suite are about.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, gatewayv1.Install, v1alpha1.AddToScheme, cmv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register kinds: %w", err)
		}
	}
	return scheme, nil
}
