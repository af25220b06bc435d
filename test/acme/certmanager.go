package acme

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/image"
	"github.com/gatewright/gatewright/test/homelab"
)

// namespace is where cert-manager runs.
const namespace = "cert-manager"

// certManagerKinds are the CRDs of cert-manager.
var certManagerKinds = []string{
	"crd/certificates.cert-manager.io", "crd/certificaterequests.cert-manager.io",
	"crd/orders.acme.cert-manager.io", "crd/challenges.acme.cert-manager.io",
	"crd/issuers.cert-manager.io", "crd/clusterissuers.cert-manager.io",
}

func (a *Authority) installCertManager(ctx context.Context, programs programs) error {
	for _, archive := range []string{programs.controller, programs.solver} {
		if err := a.lab.Cluster.LoadImage(ctx, archive); err != nil {
			return err
		}
	}
	if err := installKinds(ctx, a.lab, programs.certManagerDir); err != nil {
		return err
	}
	if _, err := a.lab.Apply(ctx, "{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}"); err != nil {
		return err
	}
	return a.roll(ctx)
}

// InstallKinds makes the cluster know cert-manager's kinds, without anything
// that acts upon them.
func InstallKinds(ctx context.Context, lab *homelab.Lab) error {
	module, err := image.ModuleDir(ctx)
	if err != nil {
		return err
	}
	return installKinds(ctx, lab, certManagerDir(module))
}

func installKinds(ctx context.Context, lab *homelab.Lab, dir string) error {
	crds, err := crdDir(ctx, dir)
	if err != nil {
		return err
	}
	// Client-side, the larger ones do not fit into kubectl's annotation.
	if _, err := lab.Kubectl(ctx, "apply", "--server-side", "--filename", crds); err != nil {
		return err
	}
	_, err = lab.Kubectl(ctx, append([]string{"wait", "--for=condition=Established", "--timeout=60s"}, certManagerKinds...)...)
	return err
}

// crdDir finds the CRDs in cert-manager's module, which need not be on this
// machine yet, as the binaries may come from the cache.
func crdDir(ctx context.Context, dir string) (string, error) {
	const module = "github.com/cert-manager/cert-manager"
	var found string
	for _, args := range [][]string{{"mod", "download", module}, {"list", "-m", "-f", "{{.Dir}}", module}} {
		command := exec.CommandContext(ctx, "go", args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOWORK=off")
		output, err := command.Output()
		if err != nil {
			return "", fmt.Errorf("find cert-manager's CRDs: go %s: %w", strings.Join(args, " "), err)
		}
		found = strings.TrimSpace(string(output))
	}
	return filepath.Join(found, "deploy", "crds"), nil
}

// SetShim restarts cert-manager with or without its Gateway API support, and
// waits until it runs. Without it there is no gateway shim, and HTTP-01 by
// HTTPRoutes fails: cert-manager has one flag for both.
func (a *Authority) SetShim(ctx context.Context, on bool) error {
	a.options.Shim = on
	if err := a.roll(ctx); err != nil {
		return fmt.Errorf("restart cert-manager: %w", err)
	}
	return nil
}

func (a *Authority) roll(ctx context.Context) error {
	manifest, err := a.render("cert-manager.yaml")
	if err != nil {
		return err
	}
	if _, err := a.lab.Apply(ctx, manifest); err != nil {
		return err
	}
	_, err = a.lab.Kubectl(ctx, "rollout", "status", "--namespace", namespace, "deployment/cert-manager", "--timeout="+patience.String())
	return err
}

func (a *Authority) createIssuer(ctx context.Context) error {
	manifest, err := a.render("issuer.yaml")
	if err != nil {
		return err
	}
	if _, err := a.lab.Apply(ctx, manifest); err != nil {
		return err
	}
	_, err = a.lab.Kubectl(ctx, "wait", "--for=condition=Ready", "clusterissuer/"+Issuer, "--timeout="+patience.String())
	return err
}

func (a *Authority) uninstallCertManager(ctx context.Context) error {
	// cert-manager itself lets go of the challenges that are left.
	_, kinds := a.lab.Kubectl(ctx, append([]string{"delete", "--ignore-not-found", "--timeout=" + patience.String()}, certManagerKinds...)...)
	_, rest := a.lab.Kubectl(ctx, "delete", "--ignore-not-found", "--timeout="+patience.String(),
		"namespace/"+namespace, "clusterrolebinding/cert-manager")
	if err := errors.Join(kinds, rest); err != nil {
		return fmt.Errorf("remove cert-manager: %w", err)
	}
	return nil
}

// Describe says all that helps to see why no certificate is issued.
func (a *Authority) Describe(ctx context.Context) string {
	var out strings.Builder
	for _, args := range [][]string{
		{"get", "clusterissuers,certificates,certificaterequests,orders,challenges", "--all-namespaces", "--output=wide"},
		{"get", "challenges", "--all-namespaces", "--output=yaml"},
		{"get", "pods", "--namespace", namespace, "--output=wide"},
		{"logs", "--namespace", namespace, "deployment/cert-manager", "--tail=60"},
	} {
		out.WriteString("$ kubectl " + strings.Join(args, " ") + "\n")
		said, err := a.lab.Kubectl(ctx, args...)
		out.WriteString(said)
		if err != nil {
			out.WriteString(err.Error() + "\n")
		}
	}
	for _, name := range []string{"knot", "pebble"} {
		lines, err := os.ReadFile(a.logFile(name))
		if err != nil {
			continue
		}
		if over := len(lines) - describedLog; over > 0 {
			lines = lines[over:]
		}
		fmt.Fprintf(&out, "%s said:\n%s\n", name, lines)
	}
	return out.String()
}

// describedLog bounds how much of a log is shown, in bytes.
const describedLog = 8 << 10
