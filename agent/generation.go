package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// bootHash names the built-in configuration that nginx runs before it has a
// bundle.
const bootHash = "boot"

// bootConfig listens on nothing but the status server.
func bootConfig(o Options) []byte {
	tmp := o.tmpDir()
	return fmt.Appendf(nil, `pid %s;
error_log stderr notice;
worker_processes 1;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path %s/client_body;
    proxy_temp_path %s/proxy;
    fastcgi_temp_path %s/fastcgi;
    uwsgi_temp_path %s/uwsgi;
    scgi_temp_path %s/scgi;
    server {
        listen %s;
        include %s;
        location = /stub_status { stub_status; }
        location / { return 404; }
    }
}
`, o.pidFile(), tmp, tmp, tmp, tmp, tmp, o.StatusAddress, generationFile)
}

func bootFiles(o Options) []bundle.File {
	return []bundle.File{{Path: mainFile, Data: bootConfig(o)}}
}

// generationConfig lets a generation of workers say which one it is.
func generationConfig(hash string) []byte {
	return fmt.Appendf(nil, "location = /generation { default_type text/plain; return 200 %q; }\n", hash)
}

// makeDirs makes the directories of RunDir. Nothing in them is for others than
// the user that nginx runs as: they hold keys.
func makeDirs(o Options) error {
	for _, dir := range []string{o.RunDir, o.generationsDir(), o.certDir(), o.tmpDir()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the directories of nginx: %w", err)
		}
	}
	return nil
}

// writeGeneration writes the files into a directory of their own, and returns
// it. An existing one with that hash has the same content.
func writeGeneration(o Options, hash string, files []bundle.File) (string, error) {
	final := filepath.Join(o.generationsDir(), hash)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	tmp, err := os.MkdirTemp(o.generationsDir(), ".new-")
	if err != nil {
		return "", fmt.Errorf("make a generation's directory: %w", err)
	}
	defer os.RemoveAll(tmp)
	if kernelLacksIPv6() {
		files = withoutIPv6(files)
	}
	own := bundle.File{Path: generationFile, Data: generationConfig(hash)}
	for _, f := range append(slices.Clip(files), own) {
		path := filepath.Join(tmp, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", fmt.Errorf("write generation %s: %w", hash, err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			return "", fmt.Errorf("write generation %s: %w", hash, err)
		}
	}
	if err := os.Rename(tmp, final); err != nil {
		return "", fmt.Errorf("complete generation %s: %w", hash, err)
	}
	return final, nil
}

// linkGeneration makes the generation the one that nginx reads next.
func linkGeneration(o Options, hash string) error {
	if err := renameio.Symlink(filepath.Join("generations", hash), o.confLink()); err != nil {
		return fmt.Errorf("link generation %s: %w", hash, err)
	}
	return nil
}

// removeGenerations removes all directories but those named.
func removeGenerations(o Options, keep ...string) error {
	return removeOthers(o.generationsDir(), keep)
}

// writeCertificates replaces those files that changed, each in one step: nginx
// may read them at any moment.
func writeCertificates(o Options, certificates []bundle.File) error {
	for _, f := range certificates {
		path := filepath.Join(o.RunDir, filepath.FromSlash(f.Path))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, f.Data) {
			continue
		}
		if err := renameio.WriteFile(path, f.Data, 0o600, renameio.WithTempDir(o.certDir())); err != nil {
			return fmt.Errorf("write certificate: %w", err)
		}
	}
	return nil
}

// missing returns the certificates of which there is no file yet.
func missing(o Options, certificates []bundle.File) []bundle.File {
	return slices.DeleteFunc(slices.Clone(certificates), func(f bundle.File) bool {
		_, err := os.Stat(filepath.Join(o.RunDir, filepath.FromSlash(f.Path)))
		return err == nil
	})
}

// removeCertificates removes all certificates but those of the given paths.
func removeCertificates(o Options, keep []string) error {
	names := make([]string, len(keep))
	for i, path := range keep {
		names[i] = filepath.Base(path)
	}
	return removeOthers(o.certDir(), names)
}

func removeOthers(dir string, keep []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	var failed []error
	for _, e := range entries {
		if !slices.Contains(keep, e.Name()) {
			failed = append(failed, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(failed...)
}

// storedBundle reads the bundle that the operator left for a pod that starts
// without it. There may be none.
func storedBundle(o Options) (bundle.Bundle, bool, error) {
	f, err := os.Open(filepath.Join(o.StoredDir, bundle.StoredKey))
	if errors.Is(err, fs.ErrNotExist) {
		return bundle.Bundle{}, false, nil
	}
	if err != nil {
		return bundle.Bundle{}, false, fmt.Errorf("read the stored bundle: %w", err)
	}
	defer f.Close()
	b, err := bundle.Decode(f)
	if err != nil {
		return bundle.Bundle{}, false, fmt.Errorf("read the stored bundle: %w", err)
	}
	return b, true, nil
}
