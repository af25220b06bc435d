package homelab

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// yamlBlock is a block of YAML in Markdown.
var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// manifests are the objects in a text of YAML documents, and their YAML.
func manifests(t *testing.T, text []byte) (objects []*unstructured.Unstructured, documents [][]byte) {
	t.Helper()
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, documents
		}
		if err != nil {
			t.Fatal(err)
		}
		object := &unstructured.Unstructured{}
		if err := utilyaml.Unmarshal(document, &object.Object); err != nil {
			t.Fatal(err)
		}
		// Other YAML in the guide is of other programs.
		if object.GetKind() != "" {
			objects, documents = append(objects, object), append(documents, document)
		}
	}
}

func guide(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, block := range yamlBlock.FindAllSubmatch(text, -1) {
		all = append(append(all, "---\n"...), block[1]...)
	}
	return all
}

func sampleFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, pattern := range []string{"*.yaml", "later/*.yaml"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", "config", "samples", "homelab", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("there is no sample %s, %v", pattern, err)
		}
		for _, path := range paths {
			if files[path], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}

func TestGettingStartedShowsTheSample(t *testing.T) {
	t.Parallel()
	var samples []*unstructured.Unstructured
	for _, text := range sampleFiles(t) {
		objects, _ := manifests(t, text)
		samples = append(samples, objects...)
	}
	shown, _ := manifests(t, guide(t, "getting-started.md"))
	if len(shown) == 0 {
		t.Fatal("the guide shows nothing")
	}
	for _, object := range shown {
		closest := ""
		for _, sample := range samples {
			diff := cmp.Diff(sample, object)
			if closest == "" || len(diff) < len(closest) {
				closest = diff
			}
			if diff == "" {
				closest = ""
				break
			}
		}
		if closest != "" {
			t.Errorf("%s %s/%s is not as in the sample (-sample +guide):\n%s", object.GetKind(), object.GetNamespace(), object.GetName(), closest)
		}
	}
}

func TestManifestsHaveNoUnknownFields(t *testing.T) {
	t.Parallel()
	texts := sampleFiles(t)
	for _, name := range []string{"getting-started.md", "websockets.md", "https-redirect.md", "certificates.md", "http.md", "grpc.md", "troubleshooting.md"} {
		texts[name] = guide(t, name)
	}
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	for path, text := range texts {
		_, documents := manifests(t, text)
		for _, document := range documents {
			if _, _, err := strict.Decode(document, nil, nil); err != nil {
				t.Errorf("%s: %v in\n%s", path, err, document)
			}
		}
	}
}
