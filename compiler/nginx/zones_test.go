package nginx

import (
	"regexp"
	"strconv"
	"testing"
)

// largestPage is the largest page of kernels for arm64; Raspberry Pi OS for the
// Raspberry Pi 5 has pages of 16 KiB.
const largestPage = 64 << 10

var zoneSize = regexp.MustCompile(`(?:shared:\w+:|zone=\w+:|zone \w+ )(\d+)([km])`)

// TestZonesAreLargeEnoughForAllSizesOfPages: nginx refuses zones of less than eight
// pages (ngx_shared_memory_add's callers check for 8 * ngx_pagesize), whatever they
// are of the machine it runs on.
func TestZonesAreLargeEnoughForAllSizesOfPages(t *testing.T) {
	t.Parallel()
	g, _ := gatewayWithEverything()
	zones := 0
	for _, f := range Render(g, Templates{}).Files {
		for _, found := range zoneSize.FindAllStringSubmatch(string(f.Data), -1) {
			zones++
			size, _ := strconv.Atoi(found[1])
			size <<= map[string]int{"k": 10, "m": 20}[found[2]]
			if size < 8*largestPage {
				t.Errorf("%s: %q is less than eight pages of 64 KiB", f.Path, found[0])
			}
		}
	}
	if zones == 0 {
		t.Error("no zones were found")
	}
}
