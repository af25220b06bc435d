package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/gatewright/gatewright/test/cluster/binary"
	"github.com/gatewright/gatewright/test/cluster/image"
)

// builds says how the program of an image is built, by the image's repository.
var builds = map[string]func(ctx context.Context, log io.Writer, module string) (string, error){
	"registry.k8s.io/gateway-api/echo-basic": func(ctx context.Context, log io.Writer, module string) (string, error) {
		return binary.BuildFresh(ctx, log, binary.Program{
			Name: "echo-basic", ModuleDir: module, Package: "sigs.k8s.io/gateway-api/conformance/echo-basic",
		})
	},
	"registry.k8s.io/coredns/coredns": func(ctx context.Context, log io.Writer, module string) (string, error) {
		return binary.Build(ctx, log, binary.Program{
			Name: "coredns", ModuleDir: filepath.Join(module, "test", "cluster", "coredns"), Package: ".",
		})
	},
}

// Images builds all images that the Deployments in the manifests ask for, and
// returns their archives. module is the project's root.
func Images(ctx context.Context, log io.Writer, module string, manifests fs.FS) ([]string, error) {
	references, err := References(manifests)
	if err != nil {
		return nil, err
	}
	binaries := map[string]string{}
	var archives []string
	for _, reference := range references {
		repository, _, _ := strings.Cut(reference, ":")
		build, ok := builds[repository]
		if !ok {
			return nil, fmt.Errorf("nothing here builds the image %s, which the suite's manifests ask for", reference)
		}
		if binaries[repository] == "" {
			if binaries[repository], err = build(ctx, log, module); err != nil {
				return nil, fmt.Errorf("build %s: %w", repository, err)
			}
		}
		static := image.Single(path.Base(repository), binaries[repository])
		static.Reference = reference
		archive, err := image.Archive(ctx, static)
		if err != nil {
			return nil, fmt.Errorf("build image %s: %w", reference, err)
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// References are the images of all Deployments that the tests of Gateways
// apply, sorted. Those of meshes are left out.
func References(manifests fs.FS) ([]string, error) {
	found := map[string]bool{}
	for _, pattern := range []string{"base/*.yaml", "tests/*.yaml"} {
		names, err := fs.Glob(manifests, pattern)
		if err != nil {
			return nil, fmt.Errorf("list the suite's manifests: %w", err)
		}
		for _, name := range names {
			content, err := fs.ReadFile(manifests, name)
			if err != nil {
				return nil, fmt.Errorf("read the suite's manifests: %w", err)
			}
			if err := addReferences(found, content); err != nil {
				return nil, fmt.Errorf("read the suite's %s: %w", name, err)
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func addReferences(found map[string]bool, manifest []byte) error {
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		// Other kinds have none of a Deployment's fields that are read here.
		var deployment appsv1.Deployment
		err := decoder.Decode(&deployment)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		pod := deployment.Spec.Template.Spec
		for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
			found[container.Image] = true
		}
	}
}
