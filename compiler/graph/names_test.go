package graph

import (
	"fmt"
	"strings"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestDNSLabels(t *testing.T) {
	t.Parallel()
	if got := dnsLabel("blog", "web", "80"); got != "blog-web-80" {
		t.Errorf("a plain label is %q", got)
	}
	different := [][]string{
		{"a", "b-c", "80"}, {"a-b", "c", "80"}, {"a.b", "c", "80"}, {"a", "b", "c-80"}, {"a", "b", "c", "80"},
		{strings.Repeat("x", 63), "web", "80"}, {strings.Repeat("x", 63), "web", "81"}, {"0", "0"}, {"0", "", "0"},
	}
	for _, named := range []func(...string) string{dnsLabel, upstreamLabel} {
		seen := map[string][]string{}
		for _, words := range different {
			label := named(words...)
			if other, taken := seen[label]; taken {
				t.Errorf("%v and %v are both %q", words, other, label)
			}
			seen[label] = words
			if !isLabel(label) {
				t.Errorf("%v gives %q, which is no DNS label", words, label)
			}
		}
	}
}

func TestHashesOfUpstreamNamesHaveManyLengths(t *testing.T) {
	t.Parallel()
	lengths := map[int]bool{}
	for i := range 100 {
		lengths[len(upstreamLabel("blog", fmt.Sprintf("web-%03d", i), "80"))] = true
	}
	if len(lengths) != 8 {
		t.Errorf("%d lengths", len(lengths))
	}
}

func TestTheDefaultCertificateNameTellsTheHostname(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"*.jarrett.net":                         "jarrett-net-tls",
		"jarrett.net":                           "jarrett-net-tls",
		"home.Jarrett.net":                      "home-jarrett-net-tls",
		"":                                      "gw-https-tls",
		"not a hostname":                        "gw-https-tls",
		strings.Repeat("long.", 20) + "example": "long-long-long-long-long-long-long-long-long-long-long",
	}
	for hostname, want := range tests {
		h := gatewayv1.Hostname(hostname)
		l := &gatewayv1.Listener{Name: "https", Hostname: &h}
		g := &gatewayv1.Gateway{}
		g.Name = "gw"
		got := DefaultCertificateName(OwnerOf(g), l)
		if got != want && !(len(hostname) > maxLabel && strings.HasPrefix(got, want[:50])) {
			t.Errorf("%q gives %q, want %q", hostname, got, want)
		}
		if !isLabel(got) {
			t.Errorf("%q gives %q, which is no label", hostname, got)
		}
	}
}

func TestTheNearestNameIsSuggestedOnlyIfItIsNear(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name       string
		candidates []string
		want       string
	}{
		"a letter is missing":         {"whoam", []string{"whoami", "web"}, "whoami"},
		"two letters are swapped":     {"bolg", []string{"blog"}, ""},
		"a long name has three edits": {"home-asistnat", []string{"home-assistant"}, "home-assistant"},
		"nothing is near":             {"grafana", []string{"whoami"}, ""},
		"there is nothing":            {"grafana", nil, ""},
	}
	for name, test := range tests {
		if got := nearest(test.name, test.candidates); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
