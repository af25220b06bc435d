package outcome

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
)

// Table writes one line for each profile and level, then the names of the tests
// that failed or were skipped. Tests of features that are not supported count
// nowhere; how many such features there are is told instead.
func Table(w io.Writer, report *confv1.ConformanceReport) error {
	profiles := slices.Clone(report.ProfileReports)
	slices.SortFunc(profiles, func(a, b confv1.ProfileReport) int { return strings.Compare(a.Name, b.Name) })
	fmt.Fprintf(w, "\nGateway API %s, %s channel\n", report.GatewayAPIVersion, report.GatewayAPIChannel)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROFILE\tLEVEL\tPASSED\tFAILED\tSKIPPED\tFEATURES")
	failed, skipped := map[string]bool{}, map[string]bool{}
	for _, profile := range profiles {
		fmt.Fprintln(table, line(profile.Name, "core", profile.Core)+"\tall")
		collect(failed, profile.Core.FailedTests)
		collect(skipped, profile.Core.SkippedTests)
		if extended := profile.Extended; extended != nil {
			supported := len(extended.SupportedFeatures)
			fmt.Fprintf(table, "%s\t%d of %d\n", line(profile.Name, "extended", extended.Status),
				supported, supported+len(extended.UnsupportedFeatures))
			collect(failed, extended.FailedTests)
			collect(skipped, extended.SkippedTests)
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the outcome: %w", err)
	}
	list(w, "failed", failed)
	list(w, "skipped", skipped)
	fmt.Fprintln(w)
	return nil
}

func line(profile, level string, status confv1.Status) string {
	return fmt.Sprintf("%s\t%s\t%d\t%d\t%d", profile, level, status.Passed, status.Failed, status.Skipped)
}

func collect(into map[string]bool, names []string) {
	for _, name := range names {
		into[name] = true
	}
}

// list writes each name once: most tests belong to several profiles.
func list(w io.Writer, title string, names map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(names)) {
		fmt.Fprintf(w, "%s: %s\n", title, name)
	}
}
