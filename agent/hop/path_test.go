package hop

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gatewright/compiler/bundle"
)

// Whatever a client asks for, a rewritten path stays below the replacement.
func FuzzRewrittenPathStaysBelowTheReplacement(f *testing.F) {
	for _, path := range []string{"/foo", "/foo/", "/foo/../../a", "/foo/%2e%2e/foo/%2E./x", "/f%6fo//..//b", "/%", "/foo/.%2e", "//foo/.."} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if _, err := url.PathUnescape(path); err != nil || !strings.HasPrefix(path, "/") {
			// nginx answers 400.
			return
		}
		got := rewritePath(path, &bundle.HopPath{Prefix: "/foo", Value: "/new"})
		clean := normal(got)
		if clean != "/new" && !strings.HasPrefix(clean, "/new/") {
			t.Errorf("%q became %q, which is %q", path, got, clean)
		}
	})
}
