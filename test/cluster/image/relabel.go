package image

import (
	"archive/tar"
	"bytes"
	"context"
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

// ForThisNode returns an archive with the same image under this machine's
// architecture: containerd takes no other, although the kernel could run it
// (package emulation). What is in the image stays as it is.
func ForThisNode(ctx context.Context, archive string) (string, error) {
	key, err := cache.FilesKey(filepath.Dir(archive), filepath.Base(archive))
	if err != nil {
		return "", err
	}
	return cache.Get(ctx, cache.Artefact{
		Kind: "image", Name: "relabelled", Key: cache.Key(key, runtime.GOARCH),
		Make: func(_ context.Context, path string) error { return relabel(archive, path) },
	})
}

func relabel(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("open image: %w", err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	reader, writer := tar.NewReader(in), tar.NewWriter(out)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return writer.Close()
		}
		if err != nil {
			return fmt.Errorf("read image %s: %w", from, err)
		}
		content := io.Reader(reader)
		if strings.HasSuffix(header.Name, ".json") && header.Typeflag == tar.TypeReg {
			text, err := io.ReadAll(reader)
			if err != nil {
				return fmt.Errorf("read image %s: %w", from, err)
			}
			if text, err = withArchitecture(text); err != nil {
				return fmt.Errorf("read %s of image %s: %w", header.Name, from, err)
			}
			header.Size, content = int64(len(text)), bytes.NewReader(text)
		}
		if err := writer.WriteHeader(header); err != nil {
			return fmt.Errorf("write image: %w", err)
		}
		if _, err := io.Copy(writer, content); err != nil {
			return fmt.Errorf("write image: %w", err)
		}
	}
}

// withArchitecture changes the architecture in an image's configuration, and
// nothing in other files.
func withArchitecture(text []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return text, nil
	}
	var configuration map[string]json.RawMessage
	if err := json.Unmarshal(text, &configuration); err != nil {
		return nil, err
	}
	if configuration["architecture"] == nil || configuration["rootfs"] == nil {
		return text, nil
	}
	configuration["architecture"] = json.RawMessage(`"` + runtime.GOARCH + `"`)
	delete(configuration, "variant")
	return json.Marshal(configuration)
}
