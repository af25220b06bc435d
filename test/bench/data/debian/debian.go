package debian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/apt"
	"github.com/gatewright/gatewright/test/cluster/cache"
)

var packages = []string{"haproxy", "nghttp2-client", "wrk"}

// Root is a directory with the packages and all that they depend on.
type Root string

// New makes the root on the first call on a machine (about 15 s). Needs root.
func New(ctx context.Context) (Root, error) {
	path, err := cache.Get(ctx, cache.Artefact{
		Kind: "bench-root",
		Name: apt.Suite,
		Key:  cache.Key(packages...),
		Make: build,
	})
	return Root(path), err
}

func build(ctx context.Context, path string) error {
	if err := apt.Install(ctx, os.Stderr, apt.Mmdebstrap); err != nil {
		return err
	}
	include := strings.Join(packages, ",")
	if err := apt.Bootstrap(ctx, "--format=directory", "--variant=extract", "--include="+include, apt.Suite, path); err != nil {
		return fmt.Errorf("extract %s: %w", include, err)
	}
	return nil
}

// Command returns the arguments that run a program of the root, outside of it:
// paths mean the same to it as to its caller.
func (r Root) Command(program string, args ...string) ([]string, error) {
	loaders, _ := filepath.Glob(filepath.Join(string(r), "usr/lib*/ld-linux-*.so.*"))
	libraries, _ := filepath.Glob(filepath.Join(string(r), "usr/lib/*/libc.so.6"))
	programs, _ := filepath.Glob(filepath.Join(string(r), "usr/*bin", program))
	if len(loaders) == 0 || len(libraries) == 0 || len(programs) == 0 {
		return nil, fmt.Errorf("no %s, loader or C library in %s", program, r)
	}
	return append([]string{loaders[0], "--library-path", filepath.Dir(libraries[0]), programs[0]}, args...), nil
}

// Version returns the first line that the program prints when it is asked for
// its version by that flag. wrk's exit status says nothing.
func (r Root) Version(ctx context.Context, program, flag string) (string, error) {
	args, err := r.Command(program, flag)
	if err != nil {
		return "", err
	}
	out, _ := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	if line == "" {
		return "", fmt.Errorf("%s says nothing of its version", program)
	}
	return line, nil
}
