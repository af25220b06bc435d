package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

func TestSharesOfMirrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		share string
		want  []int32
	}{
		"all, by default":               {"", []int32{graph.AllRequests}},
		"a percentage":                  {"percent: 20", []int32{2000}},
		"none":                          {"percent: 0", nil},
		"no fraction":                   {"fraction: {numerator: 0}", nil},
		"a fraction of a hundred":       {"fraction: {numerator: 3}", []int32{300}},
		"rounded":                       {"fraction: {numerator: 2, denominator: 3}", []int32{6667}},
		"never rounded to none":         {"fraction: {numerator: 1, denominator: 2147483647}", []int32{1}},
		"nearly all":                    {"fraction: {numerator: 2147483646, denominator: 2147483647}", []int32{graph.AllRequests}},
		"the whole, without an overrun": {"fraction: {numerator: 2147483647, denominator: 2147483647}", []int32{graph.AllRequests}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			filter := "{backendRef: {name: web, port: 80}}"
			if test.share != "" {
				filter = "{backendRef: {name: web, port: 80}, " + test.share + "}"
			}
			g := build(t, rule("{backendRefs: [{name: web, port: 80}], filters: [{type: RequestMirror, requestMirror: "+filter+"}]}"))
			r := onlyRoute(t, g).Rules[0]
			var got []int32
			for _, m := range r.Mirrors {
				got = append(got, m.Share)
				if m.Upstream != r.Upstream {
					t.Errorf("upstream %s is not the Service's, %s", m.Upstream.ID, r.Upstream.ID)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("shares (-want +got):\n%s", diff)
			}
			if denied := said(g, diagnostic.Deny); len(denied) > 0 {
				t.Errorf("denied: %q", denied)
			}
		})
	}
}
