// Package binary builds the static programs that the cluster is made of, and
// keeps them in the cache.
//
// In: a Go module and a main package in it. Out: the path of a static binary.
// It must not know what the programs do.
package binary

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gatewright/test/cluster/cache"
)

// flags are the same for every program: another set would miss Go's own build
// cache, and a cold build of Kubernetes takes a quarter of an hour.
var flags = []string{"-trimpath", "-gcflags=all=-dwarf=false"}

// linkerFlags leave out what only a debugger needs.
const linkerFlags = "-s -w"

// progressInterval is how often a running build says that it is still alive.
const progressInterval = 20 * time.Second

// Program is a Go main package.
type Program struct {
	// Name of the binary.
	Name string
	// ModuleDir is the folder of the go.mod that the build uses.
	ModuleDir string
	// Package is an import path, or a path below ModuleDir that begins with
	// "./".
	Package string
	// Arch is a GOARCH; empty means the architecture of this process.
	Arch string
	// Variables are set at link time: "import/path.name=value".
	Variables []string
}

// Build returns the path of the program's binary in the cache. It is for
// programs whose module holds nothing but them and their versions: the key
// covers the module's files, the flags and Go's version. Progress goes to log.
func Build(ctx context.Context, log io.Writer, program Program) (string, error) {
	key, err := program.key(ctx)
	if err != nil {
		return "", fmt.Errorf("find the cache key of %s: %w", program.Name, err)
	}
	return cache.Get(ctx, cache.Artefact{
		Kind: "bin",
		Name: program.Name,
		Key:  key,
		Make: func(ctx context.Context, path string) error { return program.build(ctx, log, path) },
	})
}

// BuildFresh builds a program of a module whose sources change, always with
// the go command, which knows best what is out of date. The binary replaces
// the one of the previous call for the same module.
func BuildFresh(ctx context.Context, log io.Writer, program Program) (string, error) {
	root, err := cache.Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", program.Name+"-"+cache.Key(program.ModuleDir, program.Package, program.arch()))
	return path, BuildTo(ctx, log, program, path)
}

// BuildTo is [BuildFresh] with a path of the caller's choice.
func BuildTo(ctx context.Context, log io.Writer, program Program, path string) error {
	unlock, err := cache.Lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := program.build(ctx, log, path+".partial"); err != nil {
		return err
	}
	if err := os.Rename(path+".partial", path); err != nil {
		return fmt.Errorf("keep %s: %w", program.Name, err)
	}
	return nil
}

func (p Program) arch() string {
	if p.Arch == "" {
		return runtime.GOARCH
	}
	return p.Arch
}

func (p Program) key(ctx context.Context) (string, error) {
	entries, err := os.ReadDir(p.ModuleDir)
	if err != nil {
		return "", err
	}
	var sources []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && isSource(entry.Name()) {
			sources = append(sources, entry.Name())
		}
	}
	files, err := cache.FilesKey(p.ModuleDir, sources...)
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("ask for Go's version: %w", err)
	}
	return cache.Key(files, p.Package, p.arch(), strings.TrimSpace(string(version)), strings.Join(p.flags(), " ")), nil
}

func (p Program) flags() []string {
	linker := linkerFlags
	for _, variable := range p.Variables {
		linker += " -X " + variable
	}
	return append(slices.Clone(flags), "-ldflags="+linker)
}

func isSource(name string) bool {
	return name == "go.mod" || name == "go.sum" || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// build runs the go command and reports every progressInterval.
func (p Program) build(ctx context.Context, log io.Writer, path string) error {
	args := append([]string{"build", "-o", path}, p.flags()...)
	command := exec.CommandContext(ctx, "go", append(args, p.Package)...)
	command.Dir = p.ModuleDir
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS=linux", "GOARCH="+p.arch())
	done := make(chan struct{})
	stopped := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				fmt.Fprintf(log, "building %s: %s so far\n", p.Name, time.Since(start).Round(time.Second))
			}
		}
	}()
	output, err := command.CombinedOutput()
	close(done)
	<-stopped
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", p.Package, err, output)
	}
	fmt.Fprintf(log, "built %s in %s\n", p.Name, time.Since(start).Round(time.Second/10))
	return nil
}
