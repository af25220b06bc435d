package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/test/bench/report"
)

func TestPercentilesAreValuesOfTheSample(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sample []int
		p      float64
		want   int
	}{
		"the median of an odd number":    {[]int{1, 2, 9}, 50, 2},
		"the median of an even number":   {[]int{1, 2, 8, 9}, 50, 2},
		"nearly all of a few":            {[]int{1, 2, 3}, 99, 3},
		"none":                           {[]int{1, 2, 3}, 0, 1},
		"99 of a hundred and one values": {append(make([]int, 100), 7), 99, 0},
	} {
		if got := report.Percentile(tc.sample, tc.p); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestASpreadNeedsNoOrder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sample []float64
		want   report.Spread
	}{
		"nothing":     {nil, report.Spread{}},
		"one":         {[]float64{3}, report.Spread{Median: 3, Min: 3, Max: 3}},
		"an odd five": {[]float64{5, 1, 4, 2, 3}, report.Spread{Median: 3, Min: 1, Max: 5}},
		"an even two": {[]float64{2, 1}, report.Spread{Median: 1.5, Min: 1, Max: 2}},
	} {
		if diff := cmp.Diff(tc.want, report.SpreadOf(tc.sample)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAReportIsTwoFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "benchmarks")
	if err := report.Write(dir, "path", map[string]int{"n": 1}, []byte("# Text\n")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"path.json": `"n": 1`, "path.md": "# Text"} {
		if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %q, %v, want %q in it", file, got, err, want)
		}
	}
}
