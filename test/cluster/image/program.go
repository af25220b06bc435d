package image

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/binary"
)

// Registry is the host part of all references made here. No such registry
// exists: pods use imagePullPolicy IfNotPresent.
const Registry = "gatewright.test"

// Reference returns the reference of the image called name.
func Reference(name string) string { return Registry + "/" + name + ":dev" }

// BuildGoImage builds the Go main package in packageDir, a folder of the
// project's own module, into an image with that binary as its entrypoint. The
// image's reference is Reference(name). It returns the archive's path.
func BuildGoImage(ctx context.Context, log io.Writer, name, packageDir string) (string, error) {
	absolute, err := filepath.Abs(packageDir)
	if err != nil {
		return "", fmt.Errorf("build image %s: %w", name, err)
	}
	program := binary.Program{Name: name, ModuleDir: absolute, Package: "."}
	path, err := binary.BuildFresh(ctx, log, program)
	if err != nil {
		return "", fmt.Errorf("build image %s: %w", name, err)
	}
	return Archive(ctx, Single(name, path))
}

// Single is the image of one static binary, which is its entrypoint.
func Single(name, binaryPath string) Static {
	inside := "/usr/bin/" + name
	return Static{Reference: Reference(name), Files: []File{{inside, binaryPath}}, Entrypoint: []string{inside}}
}

// ModuleDir returns the root folder of the module that the working directory
// belongs to.
func ModuleDir(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	file := strings.TrimSpace(string(output))
	if file == "" || file == "/dev/null" {
		return "", fmt.Errorf("find the module: the working directory is in none")
	}
	return filepath.Dir(file), nil
}
