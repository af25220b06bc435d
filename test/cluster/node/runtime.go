package node

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"text/template"

	"github.com/gatewright/gatewright/test/cluster/topology"
)

//go:embed config
var configFiles embed.FS

var configs = template.Must(template.ParseFS(configFiles, "config/*"))

// configValues is what the templates in config may use.
type configValues struct {
	State, PKI, PauseImage                                  string
	NodeName, NodeIP, PodCIDR, NodePodCIDR, DNS, CgroupRoot string
}

// CgroupRoot is the cgroup, in every hierarchy, that all pods are in. A name
// of our own keeps them apart from those of a cluster that the machine itself
// may belong to.
const CgroupRoot = "gatewright-test"

// PauseImage is the reference of the image of a pod's sandbox.
const PauseImage = "gatewright.test/pause:dev"

// writeConfig renders config/name to path.
func writeConfig(spec Spec, name, path string) error {
	var out bytes.Buffer
	err := configs.ExecuteTemplate(&out, name, configValues{
		State: spec.StateDir, PKI: spec.path(PKIDir), PauseImage: PauseImage,
		NodeName: topology.NodeName, NodeIP: topology.NodeIP, PodCIDR: topology.PodCIDR, NodePodCIDR: topology.NodePodCIDR,
		DNS: topology.ClusterDNS, CgroupRoot: "/" + CgroupRoot,
	})
	if err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// startContainerd starts containerd and its network configuration.
func (s *supervisor) startContainerd() error {
	if err := os.MkdirAll(s.spec.path("cni"), 0o755); err != nil {
		return fmt.Errorf("make the CNI folder: %w", err)
	}
	if err := writeConfig(s.spec, "bridge.conflist", s.spec.path("cni", "10-bridge.conflist")); err != nil {
		return err
	}
	if err := writeConfig(s.spec, "containerd.toml", s.spec.path("containerd.toml")); err != nil {
		return err
	}
	return s.start("containerd", "containerd", "--config", s.spec.path("containerd.toml"))
}

// importImages waits for containerd and gives it the images.
func importImages(ctx context.Context, spec Spec) error {
	err := poll(ctx, "containerd", func() bool { return exec.CommandContext(ctx, "ctr", "version").Run() == nil })
	if err != nil {
		return err
	}
	for _, archive := range spec.Images {
		if err := run(ctx, "", ImportCommand(archive)...); err != nil {
			return fmt.Errorf("import image: %w", err)
		}
	}
	return nil
}

// ImportCommand is the command that gives containerd's Kubernetes namespace
// an OCI archive.
func ImportCommand(archive string) []string {
	return []string{"ctr", "--namespace", "k8s.io", "images", "import", archive}
}

// startKubelet starts the kubelet.
func (s *supervisor) startKubelet() error {
	// The node knows no name server; pods use the cluster's.
	if err := os.WriteFile(s.spec.path("resolv.conf"), []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
		return fmt.Errorf("write the node's resolv.conf: %w", err)
	}
	if err := writeConfig(s.spec, "kubelet.yaml", s.spec.path("kubelet.yaml")); err != nil {
		return err
	}
	return s.start("kubelet", "kubelet", "--config", s.spec.path("kubelet.yaml"),
		"--kubeconfig", s.spec.path(PKIDir, "kubelet.conf"), "--node-ip", topology.NodeIP,
		"--hostname-override", topology.NodeName, "--root-dir", "/var/lib/kubelet")
}

// startProxy starts kube-proxy.
func (s *supervisor) startProxy() error {
	if err := writeConfig(s.spec, "kube-proxy.yaml", s.spec.path("kube-proxy.yaml")); err != nil {
		return err
	}
	return s.start("kube-proxy", "kube-proxy", "--config", s.spec.path("kube-proxy.yaml"))
}
