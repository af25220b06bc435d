package acme

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/gatewright/gatewright/test/cluster/binary"
	"github.com/gatewright/gatewright/test/cluster/image"
)

// The images of cert-manager.
const (
	controllerName = "cert-manager-controller"
	solverName     = "cert-manager-acmesolver"
)

var (
	controllerImage = image.Reference(controllerName)
	solverImage     = image.Reference(solverName)
)

// programs are what an authority is made of.
type programs struct {
	// pebble is the path of a binary, the others are those of image archives.
	pebble, controller, solver string
	// certManagerDir is the folder of the module that names cert-manager's
	// version.
	certManagerDir string
}

// build builds what is missing. The first time, cert-manager takes minutes.
func build(ctx context.Context, log io.Writer) (made programs, err error) {
	module, err := image.ModuleDir(ctx)
	if err != nil {
		return made, err
	}
	made.certManagerDir = certManagerDir(module)
	made.pebble, err = binary.Build(ctx, log, binary.Program{
		Name: "pebble", ModuleDir: filepath.Join(module, "test", "cluster", "pebble"), Package: "github.com/letsencrypt/pebble/v2/cmd/pebble",
	})
	if err != nil {
		return made, fmt.Errorf("build the ACME server: %w", err)
	}
	controller, err := binary.Build(ctx, log, binary.Program{Name: controllerName, ModuleDir: made.certManagerDir, Package: "."})
	if err != nil {
		return made, fmt.Errorf("build cert-manager: %w", err)
	}
	if made.controller, err = image.Archive(ctx, image.Single(controllerName, controller)); err != nil {
		return made, fmt.Errorf("build cert-manager's image: %w", err)
	}
	// The cache's key would not cover the source in a folder of the module.
	solver, err := binary.BuildFresh(ctx, log, binary.Program{Name: solverName, ModuleDir: made.certManagerDir, Package: "./acmesolver"})
	if err != nil {
		return made, fmt.Errorf("build cert-manager's solver: %w", err)
	}
	if made.solver, err = image.Archive(ctx, image.Single(solverName, solver)); err != nil {
		return made, fmt.Errorf("build the image of cert-manager's solver: %w", err)
	}
	return made, nil
}

// certManagerDir is the folder in our module with the module that names
// cert-manager's version.
func certManagerDir(module string) string {
	return filepath.Join(module, "test", "cluster", "certmanager")
}
