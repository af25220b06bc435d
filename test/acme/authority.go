package acme

import (
	"bytes"
	"context"
	"crypto/x509"
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gatewright/gatewright/test/cluster/topology"
	"github.com/gatewright/gatewright/test/homelab"
)

const (
	// Issuer is the name of the ClusterIssuer.
	Issuer = "letsencrypt-prod"
	// Zone is the domain that certificates can be had for.
	Zone = "jarrett.net"
)

// patience bounds each of the waits until something has started.
const patience = 2 * time.Minute

//go:embed manifests
var files embed.FS

var manifests = template.Must(template.ParseFS(files, "manifests/*"))

// Options say how to bring up an authority.
type Options struct {
	// Log takes progress.
	Log io.Writer
	// Shim has cert-manager begin with its Gateway API support; see
	// [Authority.SetShim].
	Shim bool
	// Gateway carries the HTTP-01 challenges of Certificates that do not name a
	// Gateway themselves, as those of the gateway shim do. The zero value means
	// that no Gateway does.
	Gateway types.NamespacedName
}

// Authority issues certificates for the names of Zone to a lab.
type Authority struct {
	lab     *homelab.Lab
	options Options
	// dir holds the files of the processes on the LAN host.
	dir string
	// secret of the key for dynamic updates, base64.
	secret string
	// trusted is the root that signs the ACME server's own certificate.
	trusted []byte
	// root signs what is issued.
	root *x509.Certificate
	// ends stop the processes on the LAN host.
	ends []func()
}

// Up starts the name server, the ACME server and cert-manager, and returns when
// the ClusterIssuer is ready.
func Up(ctx context.Context, lab *homelab.Lab, options Options) (*Authority, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	a := &Authority{lab: lab, options: options, dir: filepath.Join(filepath.Dir(lab.Cluster.Kubeconfig()), "acme")}
	begin := time.Now()
	programs, err := build(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(options.Log, "cert-manager and ACME server built after %s\n", time.Since(begin).Round(time.Second/10))
	if err := a.start(ctx, programs); err != nil {
		err = fmt.Errorf("%w\n%s", err, a.Describe(ctx))
		a.stopProcesses()
		return nil, err
	}
	fmt.Fprintf(options.Log, "certificates can be issued after %s\n", time.Since(begin).Round(time.Second/10))
	return a, nil
}

func (a *Authority) start(ctx context.Context, programs programs) error {
	// An earlier authority's name server has left its journal.
	if err := os.RemoveAll(a.dir); err != nil {
		return fmt.Errorf("empty the folder for the LAN host: %w", err)
	}
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		return fmt.Errorf("make a folder for the LAN host: %w", err)
	}
	if err := a.startNameServer(ctx); err != nil {
		return fmt.Errorf("start the name server: %w", err)
	}
	if err := a.startPebble(ctx, programs.pebble); err != nil {
		return fmt.Errorf("start the ACME server: %w", err)
	}
	if err := a.installCertManager(ctx, programs); err != nil {
		return fmt.Errorf("install cert-manager: %w", err)
	}
	if err := a.createIssuer(ctx); err != nil {
		return fmt.Errorf("create the ClusterIssuer: %w", err)
	}
	return nil
}

// Pool trusts what the authority issues, and nothing else.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

// Down removes cert-manager with all Certificates, and stops the servers on the
// LAN. Secrets with certificates stay, as they do with any cert-manager.
func (a *Authority) Down(ctx context.Context) error {
	defer a.stopProcesses()
	return a.uninstallCertManager(ctx)
}

func (a *Authority) stopProcesses() {
	for _, end := range a.ends {
		end()
	}
	a.ends = nil
}

// values are what the files in manifests may name.
func (a *Authority) values() map[string]any {
	return map[string]any{
		"Address": topology.LANHostIP, "NameServer": nameServer, "Zone": Zone, "Dir": a.dir,
		"Key": updateKey, "Secret": a.secret,
		"ControllerImage": controllerImage, "SolverImage": solverImage, "Shim": a.options.Shim,
		"Issuer": Issuer, "Directory": directory, "CABundle": encode(a.trusted), "Gateway": a.options.Gateway,
	}
}

func (a *Authority) render(name string) (string, error) {
	var out bytes.Buffer
	if err := manifests.ExecuteTemplate(&out, name, a.values()); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return out.String(), nil
}
