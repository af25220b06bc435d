package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/cache"
)

// Static describes an image of static binaries on nothing.
type Static struct {
	// Reference under which pods ask for the image, with a tag.
	Reference string
	// Files maps absolute paths in the image to files on this machine.
	Files []File
	// Entrypoint is the command of a container that names none.
	Entrypoint []string
	// Arch is a GOARCH; empty means the architecture of this process.
	Arch string
}

// File is one executable file in an image.
type File struct {
	// Path in the image, absolute.
	Path string
	// Source is a path on this machine.
	Source string
}

// archiveFormat changes whenever the bytes of an archive would, for the same
// input.
const archiveFormat = "1"

// Archive returns the path of an OCI image archive in the cache, made when an
// input changed.
func Archive(ctx context.Context, static Static) (string, error) {
	if static.Arch == "" {
		static.Arch = runtime.GOARCH
	}
	key := []string{archiveFormat, static.Reference, static.Arch, strings.Join(static.Entrypoint, " ")}
	for _, file := range static.Files {
		digest, err := fileDigest(file.Source)
		if err != nil {
			return "", err
		}
		key = append(key, file.Path, digest)
	}
	return cache.Get(ctx, cache.Artefact{
		Kind: "image",
		Name: baseName(static.Reference),
		Key:  cache.Key(key...),
		Make: func(_ context.Context, path string) error { return static.write(path) },
	})
}

// baseName is the part of a reference that a person reads.
func baseName(reference string) string {
	name := reference[strings.LastIndex(reference, "/")+1:]
	name, _, _ = strings.Cut(name, ":")
	return name
}

func fileDigest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("digest a file of an image: %w", err)
	}
	defer file.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return "", fmt.Errorf("digest %s: %w", path, err)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// Media types of the OCI image specification.
const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// nameAnnotation is where containerd's import looks for an image's reference.
const nameAnnotation = "io.containerd.image.name"

type object = map[string]any

// write makes the archive: one uncompressed layer, its config, the manifest
// and the index that names it. See the image layout of the OCI image
// specification.
func (s Static) write(path string) (err error) {
	layerPath := path + ".layer"
	defer os.Remove(layerPath)
	if err := s.writeLayer(layerPath); err != nil {
		return fmt.Errorf("write the layer: %w", err)
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	archive := layout{tar: tar.NewWriter(out)}
	layer := archive.blobFile(mediaLayer, layerPath)
	config := archive.blob(mediaConfig, object{
		"architecture": s.Arch,
		"os":           "linux",
		"config":       object{"Entrypoint": s.Entrypoint, "Env": []string{"PATH=/usr/bin:/bin"}},
		"rootfs":       object{"type": "layers", "diff_ids": []any{layer["digest"]}},
	})
	manifest := archive.blob(mediaManifest, object{
		"schemaVersion": 2, "mediaType": mediaManifest, "config": config, "layers": []any{layer},
	})
	manifest["annotations"] = object{nameAnnotation: s.Reference}
	manifest["platform"] = object{"architecture": s.Arch, "os": "linux"}
	archive.json("index.json", object{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []any{manifest}})
	archive.json("oci-layout", object{"imageLayoutVersion": "1.0.0"})
	return archive.close()
}

func (s Static) writeLayer(path string) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	layer := tar.NewWriter(out)
	// Many a program wants a place for temporary files.
	if err := layer.WriteHeader(&tar.Header{Name: "tmp/", Mode: 0o1777, Typeflag: tar.TypeDir}); err != nil {
		return err
	}
	for _, file := range s.Files {
		if err := addFile(layer, strings.TrimPrefix(file.Path, "/"), file.Source, 0o755); err != nil {
			return err
		}
	}
	return layer.Close()
}

func addFile(archive *tar.Writer, name, source string, mode int64) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(archive, file)
	return err
}

// layout writes an OCI image layout and keeps the first error.
type layout struct {
	tar *tar.Writer
	err error
}

func (l *layout) blobFile(mediaType, path string) object {
	digest, err := fileDigest(path)
	l.note(err)
	info, err := os.Stat(path)
	if err != nil {
		l.note(err)
		return object{}
	}
	l.note(addFile(l.tar, filepath.Join("blobs/sha256", digest), path, 0o644))
	return object{"mediaType": mediaType, "digest": "sha256:" + digest, "size": info.Size()}
}

func (l *layout) blob(mediaType string, value object) object {
	content, err := json.Marshal(value)
	l.note(err)
	digest := fmt.Sprintf("%x", sha256.Sum256(content))
	l.file("blobs/sha256/"+digest, content)
	return object{"mediaType": mediaType, "digest": "sha256:" + digest, "size": len(content)}
}

func (l *layout) json(name string, value object) {
	content, err := json.Marshal(value)
	l.note(err)
	l.file(name, content)
}

func (l *layout) file(name string, content []byte) {
	l.note(l.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}))
	_, err := l.tar.Write(content)
	l.note(err)
}

func (l *layout) note(err error) {
	if l.err == nil {
		l.err = err
	}
}

func (l *layout) close() error {
	l.note(l.tar.Close())
	return l.err
}
