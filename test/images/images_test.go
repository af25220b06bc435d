package images

import (
	"compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/gatewright/gatewright/test/cluster/image"
)

const arch = "arm64"

func TestTwoBuildsOfAnImageAreTheSame(t *testing.T) {
	for _, target := range image.Targets {
		t.Run(string(target), func(t *testing.T) {
			if first, second := digestAnew(t, target), digestAnew(t, target); first != second {
				t.Errorf("one build has the digest %s, the next one %s", first, second)
			}
		})
	}
}

// largest are the bytes that an image may take in a registry: those that a
// Raspberry Pi has to fetch and to keep on a card.
var largest = map[image.Target]int64{
	image.Gatewright:      20e6,
	image.GatewrightNginx: 25e6,
}

func TestImagesForARM64AreSmall(t *testing.T) {
	archives, err := image.Build(t.Context(), os.Stderr, arch, image.Targets...)
	if err != nil {
		t.Fatal(err)
	}
	for i, target := range image.Targets {
		size := compressed(t, archives[i])
		t.Logf("%s takes %.1f MB", target, float64(size)/1e6)
		if size > largest[target] {
			t.Errorf("%s takes %d bytes, more than %d", target, size, largest[target])
		}
	}
}

// compressed returns how long an archive is when it is compressed as registries
// keep layers.
func compressed(t *testing.T, path string) int64 {
	t.Helper()
	archive, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var size count
	compressor := gzip.NewWriter(&size)
	if _, err := io.Copy(compressor, archive); err != nil {
		t.Fatal(err)
	}
	if err := compressor.Close(); err != nil {
		t.Fatal(err)
	}
	return int64(size)
}

type count int64

func (c *count) Write(p []byte) (int, error) {
	*c += count(len(p))
	return len(p), nil
}

func digestAnew(t *testing.T, target image.Target) string {
	t.Helper()
	digest, err := image.DigestAnew(t.Context(), os.Stderr, arch, target)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}
