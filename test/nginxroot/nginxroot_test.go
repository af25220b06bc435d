package nginxroot_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatewright/gatewright/test/nginxroot"
)

func TestNginxJudgesHTTPAndStreamConfigurationInTheRoot(t *testing.T) {
	t.Parallel()
	root, err := nginxroot.Path(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		config string
		valid  bool
	}{
		"accepts HTTP and stream blocks": {config: "http { server { listen unix:/tmp/h; } } stream { server { listen unix:/tmp/s; return x; } }", valid: true},
		"refuses an unknown directive":   {config: "http { nonsense on; }"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, inside, err := nginxroot.TempDir(root)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(host) })
			config := "load_module modules/ngx_stream_module.so;\nerror_log stderr;\npid " + inside + "/pid;\nevents {}\n" + tc.config
			if err := os.WriteFile(filepath.Join(host, "nginx.conf"), []byte(config), 0o644); err != nil {
				t.Fatal(err)
			}
			output, err := nginxroot.Command(t.Context(), root, "-t", "-c", inside+"/nginx.conf").CombinedOutput()
			if valid := err == nil; valid != tc.valid {
				t.Errorf("nginx -t: valid = %v, want %v\n%s", valid, tc.valid, output)
			}
		})
	}
}
