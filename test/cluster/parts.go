package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/addon"
	"github.com/gatewright/gatewright/test/cluster/apt"
	"github.com/gatewright/gatewright/test/cluster/binary"
	"github.com/gatewright/gatewright/test/cluster/image"
)

// hostPackages are the Debian packages that the node's programs come from.
var hostPackages = []apt.Package{apt.Containerd, apt.Runc, apt.CNI, apt.Nftables, apt.IPRoute, apt.Conntrack}

// parts is what a cluster is made of.
type parts struct {
	// hyperkube is etcd, Kubernetes and kubectl in one binary.
	hyperkube string
	// launcher is the command of this package, which runs inside.
	launcher string
	images   []string
	// manifests by the name of their file, in the order of applying.
	manifests []manifest
}

type manifest struct {
	name         string
	content      []byte
	definesKinds bool
}

// prepareParts installs and builds what is missing.
func prepareParts(ctx context.Context, log io.Writer) (parts, error) {
	var made parts
	if err := apt.Install(ctx, log, hostPackages...); err != nil {
		return made, err
	}
	module, err := image.ModuleDir(ctx)
	if err != nil {
		return made, err
	}
	dir := filepath.Join(module, "test", "cluster")
	if made.hyperkube, err = buildHyperkube(ctx, log, filepath.Join(dir, "hyperkube")); err != nil {
		return made, err
	}
	made.launcher, err = binary.BuildFresh(ctx, log, binary.Program{Name: "cluster", ModuleDir: module, Package: "./test/cluster/cmd/cluster"})
	if err != nil {
		return made, err
	}
	if made.images, err = addOnImages(ctx, log, module); err != nil {
		return made, err
	}
	made.manifests, err = addOnManifests(ctx, dir)
	return made, err
}

// buildHyperkube builds Kubernetes, and gives it the version that its release
// build would: clients and Helm charts ask for it.
func buildHyperkube(ctx context.Context, log io.Writer, dir string) (string, error) {
	version, err := goOutput(ctx, dir, "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	if err != nil {
		return "", err
	}
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 3 {
		return "", fmt.Errorf("build Kubernetes: its version %q is not a release", version)
	}
	const pkg = "k8s.io/component-base/version."
	return binary.Build(ctx, log, binary.Program{Name: "hyperkube", ModuleDir: dir, Package: ".", Variables: []string{
		pkg + "gitVersion=" + version, pkg + "gitMajor=" + parts[0], pkg + "gitMinor=" + parts[1],
	}})
}

// goOutput returns what the go command says in the module in dir.
func goOutput(ctx context.Context, dir string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off")
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(output)), nil
}

// addOnImages builds the images of the node and its add-ons.
func addOnImages(ctx context.Context, log io.Writer, module string) ([]string, error) {
	dir := filepath.Join(module, "test", "cluster")
	programs := []binary.Program{
		{Name: "pause", ModuleDir: module, Package: "./test/cluster/pause"},
		{Name: "coredns", ModuleDir: filepath.Join(dir, "coredns"), Package: "."},
		{Name: addon.Component("controller"), ModuleDir: filepath.Join(dir, "metallb"), Package: "go.universe.tf/metallb/controller"},
		{Name: addon.Component("speaker"), ModuleDir: filepath.Join(dir, "metallb"), Package: "go.universe.tf/metallb/speaker"},
	}
	var archives []string
	for _, program := range programs {
		build := binary.Build
		if program.ModuleDir == module {
			build = binary.BuildFresh
		}
		path, err := build(ctx, log, program)
		if err != nil {
			return nil, err
		}
		archive, err := image.Archive(ctx, image.Single(program.Name, path))
		if err != nil {
			return nil, err
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// addOnManifests returns what to apply, MetalLB's kinds before their use.
func addOnManifests(ctx context.Context, dir string) ([]manifest, error) {
	// The binaries may be in the cache while the module is not on this machine.
	described, err := goOutput(ctx, filepath.Join(dir, "metallb"), "mod", "download", "-json", "go.universe.tf/metallb")
	if err != nil {
		return nil, err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(described), &module); err != nil {
		return nil, fmt.Errorf("find MetalLB's module: %w", err)
	}
	released, err := os.ReadFile(filepath.Join(module.Dir, "config/manifests/metallb-native.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read MetalLB's manifest: %w", err)
	}
	metallb, err := addon.MetalLB(released, func(component string) string { return image.Reference(addon.Component(component)) })
	if err != nil {
		return nil, err
	}
	coredns, err := addon.CoreDNS()
	if err != nil {
		return nil, err
	}
	pool, err := addon.Pool()
	if err != nil {
		return nil, err
	}
	return []manifest{
		{"metallb.yaml", metallb, true},
		{"coredns.yaml", coredns, false},
		{"pool.yaml", pool, false},
	}, nil
}
