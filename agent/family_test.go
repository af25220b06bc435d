package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gatewright/compiler/bundle"
)

func TestWithoutIPv6OnlyItsListenLinesAreLeftOut(t *testing.T) {
	t.Parallel()
	files := []bundle.File{{Path: "servers.conf", Data: []byte(`server {
    listen 443 ssl default_server;
    listen [::]:443 ssl default_server;
    location "/listen [::]:80;" {
        return 200 "listen [::]:80;";
    }
}
`)}}
	want := []bundle.File{{Path: "servers.conf", Data: []byte(`server {
    listen 443 ssl default_server;
    location "/listen [::]:80;" {
        return 200 "listen [::]:80;";
    }
}
`)}}
	if diff := cmp.Diff(want, withoutIPv6(files)); diff != "" {
		t.Errorf("files differ (-want +got):\n%s", diff)
	}
}
