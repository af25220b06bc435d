package nginxroot

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/apt"
	"github.com/gatewright/gatewright/test/cluster/cache"
)

// packages are nginx, the stream module (TCPRoute, UDPRoute, TLSRoute), which
// Debian ships apart, and the CAs of the Web. The Dockerfile installs the same
// packages from the same suite.
var packages = []string{"nginx", "libnginx-mod-stream", "ca-certificates"}

// recipe changes whenever make does, so that an older root is not taken for
// one of today's.
const recipe = "2"

// Nobody is the user and group ID that nginx runs with in the image.
const Nobody = 65532

const passwd = `root:x:0:0:root:/:/nonexistent
www-data:x:33:33:www-data:/:/nonexistent
nginx:x:65532:65532:nginx:/:/nonexistent
nobody:x:65534:65534:nobody:/:/nonexistent
`

const group = `root:x:0:
www-data:x:33:
nginx:x:65532:
nogroup:x:65534:
`

// Path returns the root directory, and makes it on the first call on a machine
// (about 6 s). Later calls, from any process, cost nothing. Needs root, as
// chroot does. Callers place their files below a directory of their own, see
// [TempDir], and leave the rest alone.
func Path(ctx context.Context) (string, error) {
	return cache.Get(ctx, cache.Artefact{
		Kind: "nginx-root",
		Name: apt.Suite,
		Key:  cache.Key(append([]string{recipe, passwd, group}, packages...)...),
		Make: build,
	})
}

// TempDir makes a fresh directory in the root for one test's files. It returns
// the path as the host sees it and as a process inside the chroot sees it. The
// caller removes it.
func TempDir(root string) (host, inside string, err error) {
	host, err = os.MkdirTemp(filepath.Join(root, "tmp"), "nginx-")
	if err != nil {
		return "", "", fmt.Errorf("make a directory in the nginx root: %w", err)
	}
	if err := os.Chmod(host, 0o755); err != nil {
		return "", "", fmt.Errorf("open the directory in the nginx root to nginx's workers: %w", err)
	}
	return host, strings.TrimPrefix(host, root), nil
}

// Command returns a command that runs the root's nginx in a chroot, with the
// given arguments. Paths in the arguments and in the configuration are those
// of the inside.
func Command(ctx context.Context, root string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "chroot", append([]string{root, "/usr/sbin/nginx"}, args...)...)
}

// build extracts the packages without running their scripts, and adds by hand
// the few things that Debian's base packages would have brought.
func build(ctx context.Context, path string) error {
	if err := apt.Install(ctx, os.Stderr, apt.Mmdebstrap); err != nil {
		return err
	}
	include := strings.Join(packages, ",")
	if err := apt.Bootstrap(ctx, "--format=directory", "--variant=extract", "--include="+include, apt.Suite, path); err != nil {
		return fmt.Errorf("extract %s: %w", include, err)
	}
	if err := complete(path); err != nil {
		return fmt.Errorf("complete the nginx root: %w", err)
	}
	if output, err := Command(ctx, path, "-v").CombinedOutput(); err != nil {
		return fmt.Errorf("try the nginx root: %w\n%s", err, output)
	}
	return nil
}

// authorities is where the bundle of the Web's CAs is, as on any Debian.
const authorities = "etc/ssl/certs/ca-certificates.crt"

// complete adds users, the CA bundle, the links of a merged /usr, and nginx's
// directories.
func complete(root string) error {
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if _, err := os.Stat(filepath.Join(root, "usr", name)); err != nil {
			continue
		}
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	for _, dir := range []string{"run", "proc", "sys", "etc/ssl/certs", "var/log/nginx", "var/lib/nginx"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "tmp"), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(root, "tmp"), fs.ModeSticky|0o777); err != nil {
		return err
	}
	for name, content := range map[string]string{"etc/passwd": passwd, "etc/group": group} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	if err := bundleAuthorities(root); err != nil {
		return err
	}
	return os.Chmod(root, 0o755)
}

// bundleAuthorities does what the ca-certificates package does when it is
// configured.
func bundleAuthorities(root string) error {
	certificates, err := filepath.Glob(filepath.Join(root, "usr/share/ca-certificates/mozilla/*.crt"))
	if err != nil {
		return err
	}
	var bundle []byte
	for _, path := range certificates {
		certificate, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		bundle = append(bundle, certificate...)
	}
	return os.WriteFile(filepath.Join(root, authorities), bundle, 0o644)
}
