package apt

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Suite is the Debian release whose nginx Gatewright ships; bookworm's is too
// old.
const Suite = "forky"

// mirror is where packages of Suite come from.
const mirror = "http://deb.debian.org/debian"

// Bootstrap runs mmdebstrap with the given options, suite and target, against
// the mirror.
func Bootstrap(ctx context.Context, args ...string) error {
	full := append([]string{"--quiet",
		// A mirror's Release file of a testing suite may be older than its own
		// validity allows. The signature is checked all the same.
		`--aptopt=Acquire::Check-Valid-Until "false"`,
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*",
	}, args...)
	command := exec.CommandContext(ctx, "mmdebstrap", append(full, mirror)...)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("mmdebstrap %s: %w\n%s", strings.Join(full, " "), err, output)
	}
	return nil
}
