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

// program is the command that a target's image is made around.
func (t Target) program() string {
	if t == GatewrightNginx {
		return "gatewright-agent"
	}
	return "gatewright"
}

// Build compiles the commands and builds the Dockerfile's targets around them,
// for a GOARCH (empty: that of this process). It returns the archives' paths in
// the order of the targets. What did not change comes from the cache.
func Build(ctx context.Context, log io.Writer, arch string, targets ...Target) ([]string, error) {
	engine, err := newEngine(ctx, log, arch)
	if err != nil {
		return nil, err
	}
	var archives []string
	for _, target := range targets {
		inputs, err := engine.compile(ctx, target.program())
		if err != nil {
			return nil, err
		}
		archive, err := cache.Get(ctx, cache.Artefact{
			Kind: "image",
			Name: string(target) + "-" + engine.arch,
			Key:  cache.Key(inputs, engine.arch, string(target), baseRecipe),
			Make: func(ctx context.Context, path string) error { return engine.build(ctx, target, path) },
		})
		if err != nil {
			return nil, err
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// DigestAnew builds one target for a GOARCH, with nothing that builds before have
// left but the Go command's cache and the base image, and returns the digest of
// the archive. Two of them show whether a build is reproducible.
func DigestAnew(ctx context.Context, log io.Writer, arch string, target Target) (string, error) {
	engine, err := newEngine(ctx, log, arch)
	if err != nil {
		return "", err
	}
	engine.layers = "--no-cache"
	if _, err := engine.compile(ctx, target.program()); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "image")
	if err != nil {
		return "", fmt.Errorf("make room for an archive: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "image.tar")
	if err := engine.build(ctx, target, path); err != nil {
		return "", err
	}
	return fileDigest(path)
}

// compile puts a command where the Dockerfile takes it from, and returns the key
// of all that an image around it is made of.
func (e *engine) compile(ctx context.Context, name string) (string, error) {
	compiled := filepath.Join("dist", "linux-"+e.arch, name)
	program := binary.Program{Name: name, ModuleDir: e.module, Package: "./cmd/" + name, Arch: e.arch}
	if err := binary.BuildTo(ctx, e.log, program, filepath.Join(e.module, compiled)); err != nil {
		return "", err
	}
	return cache.FilesKey(e.module, "Dockerfile", ".dockerignore", compiled)
}

// engine builds Dockerfiles with buildah, which needs no daemon. Its storage
// is its own, in the cache.
type engine struct {
	log          io.Writer
	module, arch string
	base         string
	environment  []string
	// layers is buildah's option for what it does with layers of builds before.
	layers string
}

const storageConf = `[storage]
driver = "overlay"
graphroot = "%[1]s/storage"
runroot = "%[1]s/run"
`

// newEngine makes one for a GOARCH; empty means that of this process.
func newEngine(ctx context.Context, log io.Writer, arch string) (*engine, error) {
	if arch == "" {
		arch = runtime.GOARCH
	}
	module, err := ModuleDir(ctx)
	if err != nil {
		return nil, err
	}
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
	return &engine{log: log, module: module, arch: arch, base: base, layers: "--layers", environment: append(os.Environ(),
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
	_, err := e.buildah(ctx, "bud", "--quiet", e.layers, "--pull-never", "--target", string(target), "--tag", local,
		"--platform", "linux/"+e.arch,
		// What was built when, and by which buildah, is not part of an image: the
		// same inputs give the same digests.
		"--timestamp", "0", "--identity-label=false",
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
