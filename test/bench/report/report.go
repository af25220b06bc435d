package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Machine names the processor, how many of its cores there are, and the
// platform.
func Machine() string {
	return fmt.Sprintf("%d cores %s, %s/%s", runtime.NumCPU(), model(), runtime.GOOS, runtime.GOARCH)
}

func model() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "of unknown kind"
}

// Percentile returns the smallest value of a sorted sample, which must not be
// empty, that p percent of it do not exceed.
func Percentile[T cmp.Ordered](sorted []T, p float64) T {
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

// Spread is the median of a sample and what it lies between.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf returns the zero value for an empty sample. The median of an even
// number of values is the mean of the two in the middle.
func SpreadOf(sample []float64) Spread {
	if len(sample) == 0 {
		return Spread{}
	}
	s := slices.Sorted(slices.Values(sample))
	return Spread{Median: (s[(len(s)-1)/2] + s[len(s)/2]) / 2, Min: s[0], Max: s[len(s)-1]}
}

// Figure prints three digits that count.
func Figure(v float64) string {
	if v >= 100 || v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// Write writes <name>.json, made of the figures, and <name>.md into the
// directory, which is made if it is missing.
func Write(dir, name string, figures any, markdown []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	data, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	for file, content := range map[string][]byte{name + ".json": append(data, '\n'), name + ".md": markdown} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}
