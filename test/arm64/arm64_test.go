package arm64

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/apt"
	"github.com/gatewright/gatewright/test/cluster/emulation"
	"github.com/gatewright/gatewright/test/homelab"
)

// patience is for programs that take many times as long.
const patience = 3 * time.Minute

func TestTheHomelabRunsOnARM64(t *testing.T) {
	stop, err := emulation.Start(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	lab, err := homelab.Up(t.Context(), homelab.Options{Log: os.Stderr, Replace: true, Arch: "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(lab.Describe(context.Background()))
		}
		if err := lab.Down(); err != nil {
			t.Error(err)
		}
	})
	address, err := lab.ServeSample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{homelab.Whoami, homelab.HomeAssistant} {
		expectAnswer(t, lab.Laptop(address), "https://"+host+"/")
	}
	// The operator, the webhook, the agent, nginx's master and its two workers.
	if emulated := emulatedPrograms(t, lab); len(emulated) < 6 {
		t.Errorf("only these programs are emulated: %q", emulated)
	}
	refusal, err := lab.Apply(t.Context(), `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: whoami, name: bad}
spec:
  parentRefs: [{namespace: infra, name: jarrett-net}]
  rules: [{matches: [{path: {type: RegularExpression, value: "(^/api"}}], backendRefs: [{name: whoami, port: 80}]}]
`)
	if err == nil || !strings.Contains(refusal, "is no valid regular expression") {
		t.Errorf("the webhook says %q of a bad route, %v", refusal, err)
	}
}

func expectAnswer(t *testing.T, laptop *http.Client, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := homelab.Eventually(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := laptop.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s: %s", url, response.Status, body)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// emulatedPrograms lists the command lines of the cluster's processes that QEMU
// runs.
func emulatedPrograms(t *testing.T, lab *homelab.Lab) []string {
	t.Helper()
	const list = `for p in /proc/[0-9]*; do
	  case $(readlink $p/exe) in */` + "qemu-aarch64-static" + `) tr '\0' ' ' <$p/cmdline; echo;; esac
	done`
	said, err := lab.Cluster.Command(t.Context(), cluster.Node, "sh", "-c", list).Output()
	if err != nil {
		t.Fatalf("list what %s runs: %v", apt.QEMU.File, err)
	}
	var programs []string
	for line := range strings.Lines(string(said)) {
		programs = append(programs, strings.TrimSpace(line))
	}
	t.Logf("emulated:\n%s", strings.Join(programs, "\n"))
	return programs
}
