package homelab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/image"
)

// Namespace is where the lab's operator and webhook run.
const Namespace = "gatewright-system"

const release = "gatewright"

// installGatewayAPI applies the CRDs of the lab's channel from the Go module
// that the product is built with.
func (l *Lab) installGatewayAPI(ctx context.Context) error {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	list.Dir = l.module
	dir, err := list.Output()
	if err != nil {
		return fmt.Errorf("find the Gateway API's module: %w", err)
	}
	// Beside the CRDs lies what is none, for kustomize.
	manifests, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "config", "crd", string(l.channel), "gateway*.yaml"))
	if err != nil || len(manifests) == 0 {
		return fmt.Errorf("find the Gateway API's CRDs of channel %q: %w", l.channel, err)
	}
	if _, err := l.Kubectl(ctx, "apply", "--server-side", "--filename", strings.Join(manifests, ",")); err != nil {
		return fmt.Errorf("install the Gateway API: %w", err)
	}
	_, err = l.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=30s", "crd",
		"gatewayclasses.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io")
	return err
}

// InstallChart installs or upgrades the chart with the images of this
// repository, and waits until operator and webhook are ready. Further values
// are as for `helm --set`.
func (l *Lab) InstallChart(ctx context.Context, values ...string) error {
	args := []string{
		"upgrade", "--install", release, filepath.Join(l.module, "charts", "gatewright"),
		"--namespace", Namespace, "--create-namespace", "--wait", "--timeout", "3m",
	}
	for _, value := range append(localImages(), values...) {
		args = append(args, "--set", value)
	}
	_, err := l.Helm(ctx, args...)
	return err
}

// localImages are the values that name the images built here.
func localImages() []string {
	var values []string
	for key, target := range map[string]image.Target{"gatewright": image.Gatewright, "nginx": image.GatewrightNginx} {
		repository, tag, _ := strings.Cut(image.Reference(string(target)), ":")
		values = append(values, "images."+key+".repository="+repository, "images."+key+".tag="+tag)
	}
	return values
}

// TagNginx gives the nginx image another tag on the node: a new version, as far
// as Kubernetes can tell.
func (l *Lab) TagNginx(ctx context.Context, tag string) error {
	reference := image.Reference(string(image.GatewrightNginx))
	repository, _, _ := strings.Cut(reference, ":")
	command := l.Cluster.Command(ctx, cluster.Node, "ctr", "--namespace", "k8s.io", "images", "tag", "--force", reference, repository+":"+tag)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("tag %s: %w\n%s", reference, err, output)
	}
	return nil
}

// Helm runs helm on the lab's cluster and returns what it says.
func (l *Lab) Helm(ctx context.Context, args ...string) (string, error) {
	return l.run(ctx, "", l.helm, args...)
}

// Kubectl runs kubectl on the lab's cluster and returns what a user would see,
// warnings and errors included.
func (l *Lab) Kubectl(ctx context.Context, args ...string) (string, error) {
	return l.run(ctx, "", filepath.Join(l.Cluster.BinDir(), "kubectl"), args...)
}

// Apply applies a manifest, with further flags of kubectl's, and returns what a
// user would see.
func (l *Lab) Apply(ctx context.Context, manifest string, flags ...string) (string, error) {
	return l.run(ctx, manifest, filepath.Join(l.Cluster.BinDir(), "kubectl"), append([]string{"apply", "--filename", "-"}, flags...)...)
}

// Delete deletes the objects of a manifest and waits until they are gone.
func (l *Lab) Delete(ctx context.Context, manifest string) error {
	_, err := l.run(ctx, manifest, filepath.Join(l.Cluster.BinDir(), "kubectl"), "delete", "--ignore-not-found", "--filename", "-")
	return err
}

func (l *Lab) run(ctx context.Context, stdin, program string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+l.Cluster.Kubeconfig())
	command.Stdin = strings.NewReader(stdin)
	output, err := command.CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, output)
	}
	return string(output), nil
}
