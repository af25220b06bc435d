// Package emulation has the kernel run programs for arm64 through QEMU, as on a
// machine with another processor.
//
// In: nothing. Out: a registration with binfmt_misc, until it is undone. It must
// not know what is run.
package emulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gatewright/gatewright/test/cluster/apt"
)

const (
	entry = "gatewright-arm64"
	// register is a line for binfmt_misc (Linux, admin-guide/binfmt-misc): the
	// head of an ELF file for AArch64, and which of its bits count. With F the
	// interpreter is opened now, so that it needs not be in the containers.
	register = `:` + entry + `:M::` +
		`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:` +
		`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:`
)

// Start lets this machine run programs for arm64, and returns what ends it. A
// registration that an earlier process left behind is replaced.
func Start(ctx context.Context, log io.Writer) (stop func() error, err error) {
	if err := apt.Install(ctx, log, apt.QEMU); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "binfmt")
	if err != nil {
		return nil, fmt.Errorf("make a folder for binfmt_misc: %w", err)
	}
	if err := syscall.Mount("none", dir, "binfmt_misc", 0, ""); err != nil {
		return nil, errors.Join(fmt.Errorf("mount binfmt_misc: %w", err), os.Remove(dir))
	}
	leave := func() error {
		if err := syscall.Unmount(dir, 0); err != nil {
			return fmt.Errorf("unmount binfmt_misc: %w", err)
		}
		return os.Remove(dir)
	}
	stop = func() error { return errors.Join(unregister(dir), leave()) }
	if err := unregister(dir); err != nil {
		return nil, errors.Join(err, leave())
	}
	if err := write(filepath.Join(dir, "register"), register+apt.QEMU.File+":F"); err != nil {
		return nil, errors.Join(fmt.Errorf("register QEMU: %w", err), leave())
	}
	return stop, nil
}

func unregister(dir string) error {
	err := write(filepath.Join(dir, entry), "-1")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unregister QEMU: %w", err)
	}
	return nil
}

// write writes to a file that is there: binfmt_misc makes its own.
func write(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
