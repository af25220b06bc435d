package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/binary"
	"github.com/gatewright/gatewright/test/cluster/image"
)

// traefikModule is the module whose version test/tools/traefik names.
const traefikModule = "github.com/traefik/traefik/v3"

// buildTraefik builds it unless the cache has it: the first time, that takes many
// minutes.
func buildTraefik(ctx context.Context) (path, version string, err error) {
	module, err := image.ModuleDir(ctx)
	if err != nil {
		return "", "", err
	}
	dir := filepath.Join(module, "test", "tools", "traefik")
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", traefikModule)
	list.Dir = dir
	said, err := list.Output()
	if err != nil {
		return "", "", fmt.Errorf("ask for Traefik's version: %w", err)
	}
	version = strings.TrimSpace(string(said))
	path, err = binary.Build(ctx, os.Stderr, binary.Program{
		Name: "traefik", ModuleDir: dir, Package: traefikModule + "/cmd/traefik",
		Variables: []string{traefikModule + "/pkg/version.Version=" + strings.TrimPrefix(version, "v")},
	})
	if err != nil {
		return "", "", fmt.Errorf("build Traefik: %w", err)
	}
	return path, version, nil
}

func (r *Rig) startTraefik(ctx context.Context) (*Proxy, error) {
	path, _, err := buildTraefik(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.print("traefik.yaml", traefikTemplate); err != nil {
		return nil, err
	}
	if err := r.print("traefik-site.yaml", traefikSiteTemplate); err != nil {
		return nil, err
	}
	p, err := r.run("traefik", r.options.ProxyCores, path, "--configfile="+r.TempFile("traefik.yaml"))
	if err != nil {
		return nil, err
	}
	return &Proxy{HTTP: traefikHTTP, HTTPS: traefikHTTPS, pid: p.command.Process.Pid}, nil
}
