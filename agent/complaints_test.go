package agent

import (
	"strings"
	"testing"
)

func TestWordsOfNginxAreStableAndWithoutOurDirectories(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ output, want string }{
		"only severe lines": {
			"nginx: [warn] something in /run/g/nginx.conf:1\n" +
				"nginx: [emerg] unknown directive \"x\" in /run/g/nginx.conf:2\nnginx: configuration file /run/g/nginx.conf test failed\n",
			`[emerg] unknown directive "x" in nginx.conf:2`,
		},
		"without times and process IDs, and once": {
			"2026/01/02 03:04:05 [emerg] 7#7: bind() to 0.0.0.0:80 failed (98: Address already in use)\n" +
				"2026/01/02 03:04:06 [emerg] 7#7: bind() to 0.0.0.0:80 failed (98: Address already in use)\n" +
				"2026/01/02 03:04:07 [emerg] 7#7: still could not bind()\n",
			"[emerg] bind() to 0.0.0.0:80 failed (98: Address already in use); [emerg] still could not bind()",
		},
		"all if none is severe": {"Segmentation fault\n", "Segmentation fault"},
		"never nothing":         {"\n", "nginx gave no reason"},
		"no broken characters":  {"nginx: [emerg] \xff\n", "[emerg] �"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := words(tc.output, "/run/g/"); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	if got := words("nginx: [emerg] " + strings.Repeat("ü", 9000)); len(got) > maxWords+len("…") {
		t.Errorf("%d octets", len(got))
	}
}

func TestOfTheLogOnlyWhatTheMasterSaysOfAConfigurationIsHeard(t *testing.T) {
	t.Parallel()
	const prefix = "2026/01/02 03:04:05 "
	for line, want := range map[string]bool{
		"[emerg] 7#7: still could not bind()":                                           true,
		"[emerg] 7#7: unknown directive \"x\" in nginx.conf:2":                          true,
		"[crit] 7#7: ngx_slab_alloc() failed: no memory in upstream zone \"upstreams\"": true,
		"[alert] 7#7: mmap(MAP_ANON|MAP_SHARED, 68719476736) failed (12: no memory)":    true,
		"[alert] 7#7: worker process 9 exited on signal 9":                              false,
		"[emerg] 8#8: something in a worker":                                            false,
		"[error] 7#7: *1 GET /[emerg] 7#7: still could not bind":                        false,
		"[notice] 7#7: reconfiguring":                                                   false,
	} {
		var c complaints
		c.hear(prefix+line+"\n", 7)
		if got := c.heard() != ""; got != want {
			t.Errorf("%s: heard %v, want %v", line, got, want)
		}
	}
}
