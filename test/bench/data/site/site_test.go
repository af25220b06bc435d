package site_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/test/bench/data/site"
)

func TestGatewrightCompilesEverySite(t *testing.T) {
	t.Parallel()
	certificate, err := site.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []site.Site{site.New(1), site.New(100), site.Protocols(), site.Conditions(), site.Hop()} {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			b, err := s.Bundle(site.Listeners{HTTP: 80, HTTPS: 443, Certificate: certificate})
			if err != nil {
				t.Fatal(err)
			}
			var config strings.Builder
			for _, f := range b.Files {
				config.Write(f.Data)
			}
			for _, r := range s.Routes {
				// One server for each of the ports.
				if got := strings.Count(config.String(), "server_name "+r.Host+";"); got != 2 {
					t.Errorf("%d servers for %s, want 2", got, r.Host)
				}
			}
			if s.TakesHop() {
				return
			}
			backends := 0
			for _, r := range s.Routes {
				backends += len(r.Rules)
			}
			if len(b.Upstreams) != backends {
				t.Errorf("%d upstreams, want %d", len(b.Upstreams), backends)
			}
		})
	}
}

func TestOneOfEachPairTakesTheHop(t *testing.T) {
	t.Parallel()
	certificate, err := site.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	b, err := site.Hop().Bundle(site.Listeners{HTTP: 80, HTTPS: 443, Certificate: certificate})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range b.Hop.Rules {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.ID, "bench-"), "-0-")
		got = append(got, name)
	}
	slices.Sort(got)
	want := []string{"asks", "attempt", "calls", "copies", "filters", "names", "request", "retry"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules that take the hop (-want +got):\n%s", diff)
	}
}
