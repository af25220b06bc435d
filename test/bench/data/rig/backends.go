package rig

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/gatewright/gatewright/test/bench/data/site"
)

// Sizes of the files that the backend has, by path.
var files = map[string]int{"/10k": 10 << 10, "/1m": 1 << 20}

// startBackends starts an nginx that serves files, with as little work as it can,
// and this program again for the rest.
func (r *Rig) startBackends(ctx context.Context) error {
	// Backends have addresses of pods, of which the kernel does not know that they
	// are local: without this, it is soon out of ports for new connections.
	if err := r.sysctl(ctx, "net.ipv4.tcp_tw_reuse=1", "net.ipv4.ip_local_port_range=16384 65535"); err != nil {
		return err
	}
	for path, size := range files {
		if err := r.write(strings.TrimPrefix(path, "/"), bytes.Repeat([]byte("x"), size)); err != nil {
			return err
		}
	}
	if err := r.print("backend.conf", backendTemplate); err != nil {
		return err
	}
	if _, err := r.nginx("backend", r.options.LoadCores); err != nil {
		return err
	}
	args, err := r.Command("backend", fmt.Sprint(site.EchoPort), fmt.Sprint(site.CallsPort))
	if err != nil {
		return err
	}
	_, err = r.run("echo", r.options.LoadCores, args...)
	return err
}

func (r *Rig) sysctl(ctx context.Context, settings ...string) error {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, "sysctl", append([]string{"-w"}, settings...)...)
	c.Stdout, c.Stderr = &out, &out
	err := r.plane.Launch(c)
	if err == nil {
		err = c.Wait()
	}
	if err != nil {
		return fmt.Errorf("set %s: %w\n%s", strings.Join(settings, ", "), err, out.Bytes())
	}
	return nil
}
