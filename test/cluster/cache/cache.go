package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// keyLength is the number of hexadecimal digits in a key: enough that two
// artefacts of one kind never share it, short enough to read in a listing.
const keyLength = 16

// Key digests parts into a file name. Each part is length-prefixed, so that
// moving a byte from one part to the next gives another key.
func Key(parts ...string) string {
	digest := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(digest, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(digest.Sum(nil))[:keyLength]
}

// FilesKey digests the names and contents of files below root for use as a
// part of [Key]. Names are relative to root; directories are walked in
// lexical order.
func FilesKey(root string, names ...string) (string, error) {
	digest := sha256.New()
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			fmt.Fprintf(digest, "%d:%s%d:", len(relative), relative, len(content))
			digest.Write(content)
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("digest %s: %w", name, err)
		}
	}
	return hex.EncodeToString(digest.Sum(nil))[:keyLength], nil
}

// Root is the directory that holds all artefacts:
// $XDG_CACHE_HOME/gatewright, or ~/.cache/gatewright.
func Root() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w", err)
	}
	return filepath.Join(base, "gatewright"), nil
}

// Artefact is one thing to keep.
type Artefact struct {
	// Kind groups artefacts into a folder, e.g. "bin".
	Kind string
	// Name is what a person reads in a listing, e.g. "hyperkube".
	Name string
	// Key covers every input; see [Key].
	Key string
	// Make writes the artefact, a file or a directory, to the path that it is
	// given. The path does not exist yet.
	Make func(ctx context.Context, path string) error
}

// Get returns the path of the artefact and makes it first when it is missing.
// Processes that want the same artefact wait for the one that makes it. It is
// made under a temporary name and renamed, so that an interrupted run leaves
// nothing that looks complete.
func Get(ctx context.Context, artefact Artefact) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, artefact.Kind, artefact.Name+"-"+artefact.Key)
	if used(path) {
		return path, nil
	}
	unlock, err := Lock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if used(path) {
		return path, nil
	}
	partial := path + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("clear what an interrupted run left: %w", err)
	}
	if err := artefact.Make(ctx, partial); err != nil {
		return "", fmt.Errorf("make %s %s: %w", artefact.Kind, artefact.Name, errors.Join(err, os.RemoveAll(partial)))
	}
	if err := os.Rename(partial, path); err != nil {
		return "", fmt.Errorf("keep %s %s: %w", artefact.Kind, artefact.Name, err)
	}
	if err := prune(filepath.Dir(path), artefact.Name); err != nil {
		return "", fmt.Errorf("remove older versions of %s %s: %w", artefact.Kind, artefact.Name, err)
	}
	return path, nil
}

// used says whether the artefact exists, and if so marks it as used just now.
func used(path string) bool {
	now := time.Now()
	return os.Chtimes(path, now, now) == nil
}

// versionsKept is how many versions of one artefact stay: enough for a few
// branches, and for tests that still use the one before.
const versionsKept = 4

// prune removes all but the last used versions of the artefact called name.
func prune(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var versions []fs.FileInfo
	for _, entry := range entries {
		key, ok := strings.CutPrefix(entry.Name(), name+"-")
		if _, err := hex.DecodeString(key); !ok || err != nil || len(key) != keyLength {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		versions = append(versions, info)
	}
	slices.SortFunc(versions, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, old := range versions[min(versionsKept, len(versions)):] {
		if err := os.RemoveAll(filepath.Join(dir, old.Name())); err != nil {
			return err
		}
	}
	return nil
}

// lockPoll is how often a waiting process asks for a lock again.
const lockPoll = 100 * time.Millisecond

// Lock takes the exclusive lock on the file at path and creates file and
// folder when missing. It waits until the lock is free or the context ends. The
// kernel releases the lock when the process ends, so a kill leaves no stale one.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := LockFile(ctx, path)
	if err != nil {
		return nil, err
	}
	return func() { file.Close() }, nil
}

// LockFile is [Lock], and returns the open file that holds the lock: it is
// free when this file is closed here and in all processes that inherited it.
func LockFile(ctx context.Context, path string) (*os.File, error) {
	for {
		file, err := TryLockFile(path)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return file, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// TryLockFile is [LockFile] without waiting: a lock that is taken gives an
// error that wraps EWOULDBLOCK.
func TryLockFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	for {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

// Tail returns the last lines of a log file, or a sentence that says why not:
// it is meant for error messages.
func Tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return "(no log: " + err.Error() + ")"
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}
