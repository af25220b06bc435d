package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type descriptor struct {
	MediaType   string
	Digest      string
	Size        int
	Annotations map[string]string
}

func TestArchiveIsAnOCILayoutOfTheFiles(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	binary := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(binary, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := Archive(t.Context(), Single("whoami", binary))
	if err != nil {
		t.Fatal(err)
	}
	files := untar(t, path)
	var index struct{ Manifests []descriptor }
	decode(t, files["index.json"], &index)
	if got := index.Manifests[0].Annotations[nameAnnotation]; got != Reference("whoami") {
		t.Errorf("reference %q, want %q", got, Reference("whoami"))
	}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	decode(t, blob(t, files, index.Manifests[0]), &manifest)
	var config struct {
		Config struct{ Entrypoint []string }
		Rootfs struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	decode(t, blob(t, files, manifest.Config), &config)
	if diff := cmp.Diff([]string{"/usr/bin/whoami"}, config.Config.Entrypoint); diff != "" {
		t.Errorf("entrypoint (-want +got):\n%s", diff)
	}
	// The layer is not compressed, so both digests are the same.
	if diff := cmp.Diff([]string{manifest.Layers[0].Digest}, config.Rootfs.DiffIDs); diff != "" {
		t.Errorf("diff IDs (-want +got):\n%s", diff)
	}
	layer := read(t, bytes.NewReader(blob(t, files, manifest.Layers[0])))
	if diff := cmp.Diff(map[string][]byte{"tmp/": {}, "usr/bin/whoami": []byte("program")}, layer); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
}

func TestArchiveIsMadeAnewWhenABinaryChanges(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	binary := filepath.Join(t.TempDir(), "binary")
	archive := func(content string) string {
		if err := os.WriteFile(binary, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		path, err := Archive(t.Context(), Single("whoami", binary))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, second, third := archive("1"), archive("2"), archive("1")
	if first == second || first != third {
		t.Errorf("archives %q, %q and %q: want the first and third to be the same one", first, second, third)
	}
}

func TestTheDockerfilesBaseIsTheSuiteThatTestsRun(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile("../../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := baseReference(string(dockerfile)); err != nil {
		t.Error(err)
	}
	for _, target := range Targets {
		if !strings.Contains(string(dockerfile), " AS "+string(target)+"\n") {
			t.Errorf("the Dockerfile has no target %s", target)
		}
	}
	if _, err := baseReference("ARG DEBIAN=example/debian:bookworm-slim\n"); err == nil {
		t.Error("a Dockerfile on another suite is taken")
	}
}

func untar(t *testing.T, path string) map[string][]byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return read(t, file)
}

func read(t *testing.T, reader io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	archive := tar.NewReader(reader)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = content
	}
}

// blob returns a blob whose digest and size are what the descriptor says.
func blob(t *testing.T, files map[string][]byte, want descriptor) []byte {
	t.Helper()
	algorithm, hexadecimal, _ := strings.Cut(want.Digest, ":")
	content, ok := files["blobs/"+algorithm+"/"+hexadecimal]
	if !ok {
		t.Fatalf("there is no blob %s", want.Digest)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != hexadecimal || len(content) != want.Size {
		t.Errorf("blob %s has digest %s and %d bytes, want %d", want.Digest, got, len(content), want.Size)
	}
	return content
}

func decode(t *testing.T, content []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}
