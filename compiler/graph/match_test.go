package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/compiler/graph"
)

func TestWhatAMatchMeans(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		match string
		want  graph.Match
		// warned is how many remarks there are.
		warned int
	}{
		"nothing is everything":            {"{}", graph.Match{PathKind: graph.PathPrefix, Path: "/"}, 0},
		"a prefix, without its last slash": {"{path: {type: PathPrefix, value: /a/b/}}", graph.Match{PathKind: graph.PathPrefix, Path: "/a/b"}, 0},
		"a prefix of all":                  {"{path: {value: /}}", graph.Match{PathKind: graph.PathPrefix, Path: "/"}, 0},
		"an exact path, as it is written":  {"{path: {type: Exact, value: /a/}}", graph.Match{PathKind: graph.PathExact, Path: "/a/"}, 0},
		"an expression, as it is written":  {"{path: {type: RegularExpression, value: /a.*/}}", graph.Match{PathKind: graph.PathRegex, Path: "/a.*/"}, 0},
		"a method":                         {"{method: PATCH}", graph.Match{PathKind: graph.PathPrefix, Path: "/", Method: "PATCH"}, 0},
		"of equal headers the first": {
			"{headers: [{name: X-A, value: a}, {name: x-a, value: b}, {name: X-B, type: RegularExpression, value: 'b+'}]}",
			graph.Match{PathKind: graph.PathPrefix, Path: "/", Headers: []graph.ValueMatch{{Name: "X-A", Value: "a"}, {Name: "X-B", Value: "b+", Regex: true}}}, 1,
		},
		"query parameters, whose case counts": {
			"{queryParams: [{name: a, value: a}, {name: A, value: b}, {name: a, value: c}]}",
			graph.Match{PathKind: graph.PathPrefix, Path: "/", Query: []graph.ValueMatch{{Name: "a", Value: "a"}, {Name: "A", Value: "b"}}}, 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := build(t, rule("{matches: ["+test.match+"], backendRefs: [{name: web, port: 80}]}"))
			rule := onlyRoute(t, g).Rules[0]
			if diff := cmp.Diff([]graph.Match{test.want}, rule.Matches); diff != "" {
				t.Errorf("matches (-want +got):\n%s", diff)
			}
			if warned := said(g, diagnostic.Warn); len(warned) != test.warned || rule.Invalid {
				t.Errorf("invalid: %v, warned: %q", rule.Invalid, warned)
			}
		})
	}
}

func TestWhatFiltersMean(t *testing.T) {
	t.Parallel()
	const all = `
    filters:
    - {type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-C, X_D], add: [{name: X-B, value: b}], set: [{name: X-A, value: "a $1"}]}}
    - {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: X_E, value: e}]}}
    - {type: URLRewrite, urlRewrite: {hostname: Web.Internal, path: {type: ReplacePrefixMatch, replacePrefixMatch: /x/}}}
    backendRefs: [{name: web, port: 80}]
    timeouts: {request: 0s, backendRequest: 0s}`
	got := onlyRoute(t, build(t, rule(all[5:]))).Rules[0]
	if got.Invalid || got.Redirect != nil || got.WebSocket {
		t.Errorf("rule %+v", got)
	}
	request := []graph.HeaderChange{
		{Action: graph.HeaderSet, Name: "X-A", Value: "a $1"}, {Action: graph.HeaderAdd, Name: "X-B", Value: "b"},
		{Action: graph.HeaderRemove, Name: "X-C"}, {Action: graph.HeaderRemove, Name: "X_D"},
	}
	if diff := cmp.Diff(request, got.RequestHeaders); diff != "" {
		t.Errorf("request headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]graph.HeaderChange{{Action: graph.HeaderAdd, Name: "X_E", Value: "e"}}, got.ResponseHeaders); diff != "" {
		t.Errorf("response headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&graph.Rewrite{Hostname: "web.internal", Path: &graph.PathRewrite{Prefix: true, Value: "/x/"}}, got.Rewrite); diff != "" {
		t.Errorf("rewrite (-want +got):\n%s", diff)
	}
}

func TestWhatARedirectMeans(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		filter string
		want   graph.Redirect
	}{
		"302 to the same place": {"{}", graph.Redirect{Code: 302}},
		"to all that is given": {
			"{scheme: https, hostname: a.b, port: 8443, statusCode: 308, path: {type: ReplaceFullPath, replaceFullPath: /x}}",
			graph.Redirect{Scheme: "https", Hostname: "a.b", Port: 8443, Code: 308, Path: &graph.PathRewrite{Value: "/x"}},
		},
	}
	for name, test := range tests {
		filter := "filters: [{type: RequestRedirect, requestRedirect: " + test.filter + "}]"
		got := onlyRoute(t, build(t, rule("{"+filter+"}"))).Rules[0]
		if diff := cmp.Diff(&test.want, got.Redirect); diff != "" || got.Invalid || got.Upstream != nil {
			t.Errorf("%s: invalid %v, upstream %v, redirect (-want +got):\n%s", name, got.Invalid, got.Upstream, diff)
		}
		// What is sent away cannot be sent to a backend too.
		if got := onlyRoute(t, build(t, rule("{"+filter+", backendRefs: [{name: web, port: 80}]}"))).Rules[0]; !got.Invalid {
			t.Errorf("%s: with backends it is valid", name)
		}
	}
}
