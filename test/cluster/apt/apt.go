package apt

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/cache"
)

// Package is a Debian package and a file by which its presence is known.
type Package struct {
	Name string
	File string
}

// The packages that parts of the cluster ask for.
var (
	Buildah    = Package{"buildah", "/usr/bin/buildah"}
	Containerd = Package{"containerd", "/usr/bin/containerd"}
	CNI        = Package{"containernetworking-plugins", "/usr/lib/cni/bridge"}
	Conntrack  = Package{"conntrack", "/usr/sbin/conntrack"}
	IPRoute    = Package{"iproute2", "/usr/sbin/ip"}
	Knot       = Package{"knot", "/usr/sbin/knotd"}
	Mmdebstrap = Package{"mmdebstrap", "/usr/bin/mmdebstrap"}
	Nftables   = Package{"nftables", "/usr/sbin/nft"}
	QEMU       = Package{"qemu-user-static", "/usr/bin/qemu-aarch64-static"}
	Runc       = Package{"runc", "/usr/sbin/runc"}
)

// Install installs those of the packages whose file is missing. It says on log
// what it installs. Two calls at once wait for each other.
func Install(ctx context.Context, log io.Writer, packages ...Package) error {
	if len(missing(packages)) == 0 {
		return nil
	}
	root, err := cache.Root()
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx, filepath.Join(root, "apt.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	names := missing(packages)
	if len(names) == 0 {
		return nil
	}
	fmt.Fprintf(log, "apt-get install %s\n", strings.Join(names, " "))
	if err := aptGet(ctx, "update"); err != nil {
		return err
	}
	if err := aptGet(ctx, append([]string{"install", "--yes", "--no-install-recommends"}, names...)...); err != nil {
		return err
	}
	if left := missing(packages); len(left) > 0 {
		return fmt.Errorf("install %s: apt-get succeeded, but their files are still missing", strings.Join(left, ", "))
	}
	return nil
}

func missing(packages []Package) []string {
	var names []string
	for _, wanted := range packages {
		if _, err := os.Stat(wanted.File); err != nil {
			names = append(names, wanted.Name)
		}
	}
	return names
}

func aptGet(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, "apt-get", append([]string{"--quiet"}, args...)...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}
