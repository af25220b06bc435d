package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/gatewright/gatewright/test/cluster/cache"
)

func TestKeyTellsPartsApart(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {}} {
		key := cache.Key(parts...)
		if other, taken := seen[key]; taken {
			t.Errorf("%q and %q share the key %s", parts, other, key)
		}
		seen[key] = parts
	}
}

func TestFilesKeyCoversNamesAndContents(t *testing.T) {
	t.Parallel()
	key := func(files map[string]string) string {
		root := t.TempDir()
		for name, content := range files {
			write(t, filepath.Join(root, "src", name), content)
		}
		key, err := cache.FilesKey(root, "src")
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	base := key(map[string]string{"a": "1", "b/c": "2"})
	if again := key(map[string]string{"a": "1", "b/c": "2"}); again != base {
		t.Errorf("the same files in another folder have key %s, want %s", again, base)
	}
	for name, files := range map[string]map[string]string{
		"other content": {"a": "1", "b/c": "3"},
		"other name":    {"a": "1", "b/d": "2"},
		"one more file": {"a": "1", "b/c": "2", "d": ""},
	} {
		if key(files) == base {
			t.Errorf("%s: the key is the same", name)
		}
	}
}

func TestGetMakesAnArtefactOnceForManyAtOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var made int
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			path, err := cache.Get(t.Context(), artefact("1", func(path string) error {
				made++
				return os.WriteFile(path, []byte("content"), 0o644)
			}))
			if err != nil {
				t.Error(err)
			}
			if content, err := os.ReadFile(path); err != nil || string(content) != "content" {
				t.Errorf("content %q, %v", content, err)
			}
		})
	}
	all.Wait()
	if made != 1 {
		t.Errorf("made %d times, want once", made)
	}
}

func TestGetForgetsWhatFailedHalfway(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	broken := errors.New("broken")
	_, err := cache.Get(t.Context(), artefact("1", func(path string) error {
		write(t, filepath.Join(path, "half"), "")
		return broken
	}))
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	path, err := cache.Get(t.Context(), artefact("1", func(path string) error { return os.Mkdir(path, 0o755) }))
	if err != nil {
		t.Fatal(err)
	}
	if left := names(t, path); len(left) > 0 {
		t.Errorf("the second artefact has %q of the first", left)
	}
}

func TestGetKeepsTheLastUsedVersions(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	create := func(path string) error { return os.WriteFile(path, nil, 0o644) }
	begin := time.Now().Add(-time.Hour)
	var dir string
	for version := range 6 {
		key := cache.Key(fmt.Sprint(version))
		path, err := cache.Get(t.Context(), artefact(key, create))
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Dir(path)
		// Seconds apart, where the test is not.
		used := begin.Add(time.Duration(version) * time.Second)
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
		if version == 3 {
			// The oldest is used once more, so it stays.
			if _, err := cache.Get(t.Context(), artefact(cache.Key("0"), create)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var want []string
	for _, version := range []string{"0", "3", "4", "5"} {
		want = append(want, "thing-"+cache.Key(version))
	}
	var got []string
	for _, name := range names(t, dir) {
		if filepath.Ext(name) != ".lock" {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(sorted(want), got); diff != "" {
		t.Errorf("versions kept (-want +got):\n%s", diff)
	}
}

func TestTryLockFileSaysThatTheLockIsTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "lock")
	held, err := cache.TryLockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cache.TryLockFile(path); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("a second lock gives %v, want %v", err, unix.EWOULDBLOCK)
	}
	held.Close()
	again, err := cache.TryLockFile(path)
	if err != nil {
		t.Fatalf("lock a file that was released: %v", err)
	}
	again.Close()
}

func artefact(key string, create func(path string) error) cache.Artefact {
	return cache.Artefact{Kind: "kind", Name: "thing", Key: key, Make: func(_ context.Context, path string) error { return create(path) }}
}
