package conformance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"sigs.k8s.io/gateway-api/conformance"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/image"
	"github.com/gatewright/gatewright/test/conformance/backend"
	"github.com/gatewright/gatewright/test/homelab"
)

// insideVariable is set in the process that runs on the home LAN.
const insideVariable = "GATEWRIGHT_CONFORMANCE_INSIDE"

var channel = flag.String("channel", string(homelab.Standard), "the Gateway API's release channel: standard or experimental")

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(insideVariable) != "" {
		os.Exit(m.Run())
	}
	code, err := runOnLAN()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		code = 1
	}
	os.Exit(code)
}

// runOnLAN brings up the cluster and runs this binary on its LAN, with the same
// arguments. It returns the exit code of that.
func runOnLAN() (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	module, err := image.ModuleDir(ctx)
	if err != nil {
		return 0, err
	}
	images, err := backend.Images(ctx, os.Stderr, module, &conformance.Manifests)
	if err != nil {
		return 0, fmt.Errorf("build the suite's backends: %w", err)
	}
	lab, err := homelab.Up(ctx, homelab.Options{
		Log: os.Stderr, Replace: true, Channel: homelab.Channel(*channel), Images: images,
	})
	if err != nil {
		return 0, fmt.Errorf("bring up the cluster: %w", err)
	}
	defer func() { err = errors.Join(err, lab.Down()) }()
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find the own binary: %w", err)
	}
	inside := lab.Cluster.Command(ctx, cluster.Client, append([]string{self}, os.Args[1:]...)...)
	inside.Env = append(os.Environ(), insideVariable+"=1")
	inside.Stdout, inside.Stderr = os.Stdout, os.Stderr
	err = inside.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), keepDescription(ctx, lab)
	}
	return 0, err
}

// keepDescription writes down what the cluster looks like after a failure, as
// it is about to end.
func keepDescription(ctx context.Context, lab *homelab.Lab) error {
	path := filepath.Join(os.TempDir(), "gatewright-conformance.txt")
	if err := os.WriteFile(path, []byte(lab.Describe(ctx)), 0o644); err != nil {
		return fmt.Errorf("keep the cluster's description: %w", err)
	}
	fmt.Fprintln(os.Stderr, "what the cluster looked like at the end:", path)
	return nil
}
