package image

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/apt"
	"github.com/gatewright/gatewright/test/cluster/binary"
	"github.com/gatewright/gatewright/test/cluster/cache"
)

// Target is a stage of the project's Dockerfile that becomes an image. Its
// reference is Reference(string(target)).
type Target string

// The targets.
const (
	Gatewright      Target = "gatewright"
	GatewrightNginx Target = "gatewright-nginx"
)

// Targets are all of them.
var Targets = []Target{Gatewright, GatewrightNginx}

// Build compiles the gatewright command and builds the Dockerfile's targets
// around it, for a GOARCH (empty: that of this process). It returns the
// archives' paths in the order of the targets. What did not change comes from
// the cache.
func Build(ctx context.Context, log io.Writer, arch string, targets ...Target) ([]string, error) {
	if arch == "" {
		arch = runtime.GOARCH
	}
	module, err := ModuleDir(ctx)
	if err != nil {
		return nil, err
	}
	// Where the Dockerfile takes it from.
	compiled := filepath.Join("dist", "linux-"+arch, "gatewright")
	program := binary.Program{Name: "gatewright", ModuleDir: module, Package: "./cmd/gatewright", Arch: arch}
	if err := binary.BuildTo(ctx, log, program, filepath.Join(module, compiled)); err != nil {
		return nil, err
	}
	engine, err := newEngine(ctx, log, module, arch)
	if err != nil {
		return nil, err
	}
	inputs, err := cache.FilesKey(module, "Dockerfile", ".dockerignore", compiled)
	if err != nil {
		return nil, err
	}
	var archives []string
	for _, target := range targets {
		archive, err := cache.Get(ctx, cache.Artefact{
			Kind: "image",
			Name: string(target) + "-" + arch,
			Key:  cache.Key(inputs, arch, string(target), baseRecipe),
			Make: func(ctx context.Context, path string) error { return engine.build(ctx, target, path) },
		})
		if err != nil {
			return nil, err
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// engine builds Dockerfiles with buildah, which needs no daemon. Its storage
// is its own, in the cache.
type engine struct {
	log          io.Writer
	module, arch string
	base         string
	environment  []string
}

const storageConf = `[storage]
driver = "overlay"
graphroot = "%[1]s/storage"
runroot = "%[1]s/run"
`

func newEngine(ctx context.Context, log io.Writer, module, arch string) (*engine, error) {
	root, err := cache.Root()
	if err != nil {
		return nil, err
	}
	dockerfile, err := os.ReadFile(filepath.Join(module, "Dockerfile"))
	if err != nil {
		return nil, fmt.Errorf("read the Dockerfile: %w", err)
	}
	base, err := baseReference(string(dockerfile))
	if err != nil {
		return nil, err
	}
	if err := apt.Install(ctx, log, apt.Buildah, apt.Mmdebstrap); err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "buildah")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make buildah's folder: %w", err)
	}
	conf := filepath.Join(dir, "storage.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, storageConf, dir), 0o644); err != nil {
		return nil, fmt.Errorf("configure buildah: %w", err)
	}
	return &engine{log: log, module: module, arch: arch, base: base, environment: append(os.Environ(),
		"CONTAINERS_STORAGE_CONF="+conf, "STORAGE_DRIVER=overlay",
		// Steps run in a chroot: no container runtime is needed.
		"BUILDAH_ISOLATION=chroot")}, nil
}

var baseArgument = regexp.MustCompile(`(?m)^ARG DEBIAN=(\S+:` + apt.Suite + `-slim)$`)

// baseReference finds the reference of the base image in a Dockerfile, which
// is the only place that has it.
func baseReference(dockerfile string) (string, error) {
	match := baseArgument.FindStringSubmatch(dockerfile)
	if match == nil {
		return "", fmt.Errorf("the Dockerfile has no argument DEBIAN with an image of Debian %s", apt.Suite)
	}
	return match[1], nil
}

func (e *engine) buildah(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "buildah", args...)
	command.Dir = e.module
	command.Env = e.environment
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("buildah %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return strings.TrimSpace(string(output)), nil
}

// build builds a target into an archive at path.
func (e *engine) build(ctx context.Context, target Target, path string) error {
	if err := e.provideBase(ctx); err != nil {
		return fmt.Errorf("provide the base image: %w", err)
	}
	fmt.Fprintf(e.log, "building image %s for %s\n", target, e.arch)
	local := "localhost/" + string(target) + ":" + e.arch
	before := e.imageID(ctx, local)
	_, err := e.buildah(ctx, "bud", "--quiet", "--layers", "--pull-never", "--target", string(target), "--tag", local,
		"--platform", "linux/"+e.arch,
		// Docker's builder sets it; buildah must be told.
		"--build-arg", "BUILDPLATFORM=linux/"+runtime.GOARCH, ".")
	if err != nil {
		return err
	}
	if before != "" && before != e.imageID(ctx, local) {
		// Each would stay for good, with a layer for its binary.
		if _, err := e.buildah(ctx, "rmi", before); err != nil {
			return err
		}
	}
	// containerd takes an image's whole reference from this format only.
	_, err = e.buildah(ctx, "push", "--quiet", local, "docker-archive:"+path+":"+Reference(string(target)))
	return err
}

// imageID returns the ID of a local image, or nothing if there is none.
func (e *engine) imageID(ctx context.Context, name string) string {
	id, err := e.buildah(ctx, "inspect", "--type", "image", "--format", "{{.FromImageID}}", name)
	if err != nil {
		return ""
	}
	return id
}

// baseRecipe changes whenever the base image does.
const baseRecipe = "1"

// provideBase makes the base image out of Debian's packages, unless it is there
// already. It is never pulled: a machine without a registry builds the same.
func (e *engine) provideBase(ctx context.Context) error {
	root, err := cache.Root()
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx, filepath.Join(root, "buildah", "base.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if e.imageID(ctx, e.base) != "" {
		return nil
	}
	fmt.Fprintf(e.log, "making the base image of Debian %s\n", apt.Suite)
	archive, err := cache.Get(ctx, cache.Artefact{
		Kind: "base-image",
		Name: apt.Suite,
		Key:  cache.Key(baseRecipe, runtime.GOARCH),
		Make: func(ctx context.Context, path string) error {
			return apt.Bootstrap(ctx, "--format=tar", "--variant=apt", apt.Suite, path)
		},
	})
	if err != nil {
		return err
	}
	container, err := e.buildah(ctx, "from", "scratch")
	if err != nil {
		return err
	}
	if _, err := e.buildah(ctx, "add", "--quiet", container, archive, "/"); err != nil {
		return err
	}
	_, err = e.buildah(ctx, "commit", "--quiet", "--rm", container, e.base)
	return err
}
