package homelab

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	appsv1 "k8s.io/api/apps/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/gatewright/gatewright/test/cluster/binary"
	"github.com/gatewright/gatewright/test/cluster/image"
)

// buildImages builds the images of the project, and the stand-in for whoami.
func (l *Lab) buildImages(ctx context.Context) ([]string, error) {
	archives, err := image.Build(ctx, l.log, l.arch, image.Targets...)
	if err != nil {
		return nil, fmt.Errorf("build the images: %w", err)
	}
	if l.arch != "" && l.arch != runtime.GOARCH {
		for i := range archives {
			if archives[i], err = image.ForThisNode(ctx, archives[i]); err != nil {
				return nil, fmt.Errorf("relabel the images: %w", err)
			}
		}
	}
	whoami, err := l.buildWhoami(ctx)
	if err != nil {
		return nil, fmt.Errorf("build the stand-in for whoami: %w", err)
	}
	return append(archives, whoami), nil
}

// buildWhoami gives the stand-in the name of the image that the sample asks
// for: the sample is what users apply, and nothing can be pulled here.
func (l *Lab) buildWhoami(ctx context.Context) (string, error) {
	path, err := l.buildStandin(ctx, "whoami")
	if err != nil {
		return "", err
	}
	file, err := os.Open(l.SamplePath("4-whoami.yaml"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	var deployment appsv1.Deployment
	if err := utilyaml.NewYAMLOrJSONDecoder(file, 4096).Decode(&deployment); err != nil {
		return "", fmt.Errorf("read the sample: %w", err)
	}
	static := image.Single("whoami", path)
	static.Reference = "docker.io/" + deployment.Spec.Template.Spec.Containers[0].Image
	return image.Archive(ctx, static)
}

// buildStandin builds a program of test/standin.
func (l *Lab) buildStandin(ctx context.Context, name string) (string, error) {
	return binary.BuildFresh(ctx, l.log, binary.Program{
		Name: name, ModuleDir: l.module, Package: "./test/standin/" + name,
	})
}

// BuildHelm returns the path of the helm command, built of the version in
// test/tools/helm unless the cache has it. module is the project's root.
func BuildHelm(ctx context.Context, log io.Writer, module string) (string, error) {
	path, err := binary.Build(ctx, log, binary.Program{
		Name: "helm", ModuleDir: filepath.Join(module, "test", "tools", "helm"), Package: "helm.sh/helm/v4/cmd/helm",
	})
	if err != nil {
		return "", fmt.Errorf("build helm: %w", err)
	}
	return path, nil
}
