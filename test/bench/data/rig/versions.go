package rig

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gatewright/test/bench/data/debian"
	"github.com/gatewright/gatewright/test/nginxroot"
)

// Versions are those of all programs that take part.
func Versions(ctx context.Context, o Options) ([]string, error) {
	root, err := nginxroot.Path(ctx)
	if err != nil {
		return nil, err
	}
	said, err := nginxroot.Command(ctx, root, "-v").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ask nginx for its version: %w\n%s", err, said)
	}
	versions := []string{strings.TrimSpace(strings.TrimPrefix(string(said), "nginx version: "))}
	tools, err := debian.New(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range []struct{ name, flag string }{{"haproxy", "-v"}, {"wrk", "-v"}, {"h2load", "--version"}} {
		version, err := tools.Version(ctx, p.name, p.flag)
		if err != nil {
			return nil, err
		}
		versions = append(versions, version)
	}
	if slices.Contains(o.Proxies, Traefik) {
		_, version, err := buildTraefik(ctx)
		if err != nil {
			return nil, err
		}
		versions = append(versions, "Traefik "+version)
	}
	return versions, nil
}
