package graph

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestARouteAnswersUnderTheHostnamesItSharesWithTheListener(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		listener string
		route    []gatewayv1.Hostname
		want     []Hostname
	}{
		"a route without hostnames has the listener's": {
			listener: "a.example.com", want: []Hostname{{Effective: "a.example.com"}},
		},
		"neither with hostnames is any host": {want: []Hostname{{}}},
		"a listener without hostname takes the route's": {
			route: []gatewayv1.Hostname{"a.example.com"},
			want:  []Hostname{{Effective: "a.example.com", Written: "a.example.com"}},
		},
		"an exact hostname lies within the listener's wildcard": {
			listener: "*.example.com", route: []gatewayv1.Hostname{"a.b.example.com"},
			want: []Hostname{{Effective: "a.b.example.com", Written: "a.b.example.com"}},
		},
		"a wildcard is narrowed to the listener's exact hostname": {
			listener: "a.example.com", route: []gatewayv1.Hostname{"*.example.com"},
			want: []Hostname{{Effective: "a.example.com", Written: "*.example.com"}},
		},
		"of two wildcards the narrower one is common": {
			listener: "*.example.com", route: []gatewayv1.Hostname{"*.b.example.com"},
			want: []Hostname{{Effective: "*.b.example.com", Written: "*.b.example.com"}},
		},
		"a wildcard does not include its own parent": {
			listener: "*.example.com", route: []gatewayv1.Hostname{"example.com"},
		},
		"a suffix that ends within a label is another name": {
			listener: "*.example.com", route: []gatewayv1.Hostname{"a.notexample.com", "*.notexample.com"},
		},
		"a wildcard route does not reach above the listener's parent": {
			listener: "*.b.example.com", route: []gatewayv1.Hostname{"*.c.example.com", "b.example.com"},
		},
		"letters compare without case": {
			listener: "*.example.com", route: []gatewayv1.Hostname{"A.Example.COM"},
			want: []Hostname{{Effective: "a.example.com", Written: "a.example.com"}},
		},
		"what is no hostname matches nothing, not everything": {
			route: []gatewayv1.Hostname{"a b", "", "10.0.0.1", "*", "a..b", "-a.b", "~^x"},
		},
		"several hostnames are sorted and told once": {
			listener: "*.example.com", route: []gatewayv1.Hostname{"b.example.com", "a.example.com", "b.example.com"},
			want: []Hostname{{Effective: "a.example.com", Written: "a.example.com"}, {Effective: "b.example.com", Written: "b.example.com"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, commonHostnames(test.listener, test.route)); diff != "" {
				t.Errorf("hostnames (-want +got):\n%s", diff)
			}
		})
	}
}
