package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance"
	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/test/cluster/topology"
	"github.com/gatewright/gatewright/test/conformance/outcome"
)

// profiles are all that are about Gateways.
var profiles = []suite.ConformanceProfileName{
	suite.GatewayHTTPConformanceProfileName,
	suite.GatewayGRPCConformanceProfileName,
	suite.GatewayTLSConformanceProfileName,
	suite.GatewayTCPConformanceProfileName,
	suite.GatewayUDPConformanceProfileName,
}

// timeouts are the suite's own, with the longest time to consistency that a
// conformant implementation may take.
func timeouts() config.TimeoutConfig {
	all := config.DefaultTimeoutConfig()
	all.MaxTimeToConsistency = 30 * time.Second
	return all
}

// TestConformance runs the upstream suite. What it tests is what the
// GatewayClass says that it supports, and all core features of the profiles.
func TestConformance(t *testing.T) {
	begin := time.Now()
	options := conformance.DefaultOptions(t)
	options.GatewayClassName = "gatewright"
	options.TimeoutConfig = timeouts()
	options.UsableNetworkAddresses = addresses(topology.PoolLast)
	options.UnusableNetworkAddresses = addresses(topology.LANHostIP)
	options.Implementation = implementation(t)
	if len(options.ConformanceProfiles) == 0 {
		options.ConformanceProfiles = profiles
	}
	run, err := suite.NewConformanceTestSuite(options)
	if err != nil {
		t.Fatal(err)
	}
	// Parallel tests end after this function, and before its cleanup.
	t.Cleanup(func() {
		report, err := run.Report()
		if err != nil {
			t.Fatal(err)
		}
		if err := outcome.Table(os.Stdout, report); err != nil {
			t.Error(err)
		}
		if isWhole(options) {
			write(t, report)
		}
		t.Logf("the suite took %s", time.Since(begin).Round(time.Second))
	})
	run.Setup(t, tests.ConformanceTests)
	if err := run.Run(t, tests.ConformanceTests); err != nil {
		t.Fatal(err)
	}
}

// addresses are static addresses for Gateways that ask for some.
func addresses(ip string) []gatewayv1.GatewaySpecAddress {
	kind := gatewayv1.IPAddressType
	return []gatewayv1.GatewaySpecAddress{{Type: &kind, Value: ip}}
}

// implementation is who the report is about.
func implementation(t *testing.T) confv1.Implementation {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "charts", "gatewright", "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var chart struct{ Name, AppVersion, Home string }
	if err := yaml.Unmarshal(content, &chart); err != nil {
		t.Fatal(err)
	}
	return confv1.Implementation{
		Organization: chart.Name,
		Project:      chart.Name,
		URL:          chart.Home,
		Version:      "v" + chart.AppVersion,
		Contact:      []string{chart.Home + "/issues/new"},
	}
}

// isWhole says that nothing was narrowed on the command line: only then does a
// report tell what the implementation can do.
func isWhole(o suite.ConformanceOptions) bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if value := flag.Lookup(name).Value.String(); strings.ContainsAny(value, "/|") {
			return false
		}
	}
	return len(o.ConformanceProfiles) == len(profiles) && o.RunTest == "" && len(o.SkipTests) == 0 &&
		!o.SkipProvisionalTests && !o.FailFast && !o.EnableAllSupportedFeatures &&
		len(o.SupportedFeatures) == 0 && len(o.ExemptFeatures) == 0 && o.TimeoutConfig == timeouts()
}

// write puts the report where readers of the documentation find it.
func write(t *testing.T, report *confv1.ConformanceReport) {
	t.Helper()
	content, err := yaml.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%s-%s-report.yaml", report.Implementation.Version, report.GatewayAPIChannel)
	path := filepath.Join("..", "..", "docs", "conformance", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("the report is in docs/conformance/%s", name)
}
