package outcome_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"

	"github.com/gatewright/gatewright/test/conformance/outcome"
)

func TestTableTellsEachProfileAndWhatFailedOnce(t *testing.T) {
	t.Parallel()
	shared := confv1.Status{Statistics: confv1.Statistics{Passed: 3, Failed: 1}, FailedTests: []string{"GatewayB"}}
	report := &confv1.ConformanceReport{
		GatewayAPIVersion: "v9", GatewayAPIChannel: "standard",
		ProfileReports: []confv1.ProfileReport{
			{Name: "GATEWAY-TCP", Core: shared},
			{Name: "GATEWAY-HTTP", Core: shared, Extended: &confv1.ExtendedStatus{
				Status: confv1.Status{
					Statistics:  confv1.Statistics{Passed: 20, Failed: 1, Skipped: 1},
					FailedTests: []string{"GatewayA"}, SkippedTests: []string{"GatewayC"},
				},
				SupportedFeatures: []string{"x", "y"}, UnsupportedFeatures: []string{"z"},
			}},
		},
	}
	const want = `
Gateway API v9, standard channel
PROFILE       LEVEL     PASSED  FAILED  SKIPPED  FEATURES
GATEWAY-HTTP  core      3       1       0        all
GATEWAY-HTTP  extended  20      1       1        2 of 3
GATEWAY-TCP   core      3       1       0        all
failed: GatewayA
failed: GatewayB
skipped: GatewayC

`
	var got strings.Builder
	if err := outcome.Table(&got, report); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
