package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/gatewright/gatewright/test/cluster/node"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

// Place is somewhere on the LAN to run a program or open a connection.
type Place string

// The places.
const (
	// Node is the cluster's node, topology.NodeIP: it reaches Services and
	// pods by their addresses.
	Node Place = "node"
	// Client is a laptop on the LAN, topology.ClientIP: it finds LoadBalancer
	// addresses by ARP.
	Client Place = topology.ClientNamespace
	// LANHost is a host on the LAN outside the cluster, topology.LANHostIP.
	LANHost Place = topology.LANHostNamespace
)

// networkPath is the file by which the place's network namespace is entered
// from outside.
func (c *Cluster) networkPath(place Place) string {
	if place == Node {
		return fmt.Sprintf("/proc/%d/ns/net", c.pid)
	}
	// The link leads into the mount namespace of the cluster, where `ip netns`
	// has mounted the others.
	return fmt.Sprintf("/proc/%d/root/run/netns/%s", c.pid, place)
}

// Argv is the command line that runs argv at a place from outside: with the
// cluster's mounts and processes, in the working directory of the caller, with
// kubectl on the PATH and KUBECONFIG set.
func (c *Cluster) Argv(place Place, argv ...string) []string {
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	enter := []string{"nsenter", fmt.Sprintf("--target=%d", c.pid), "--mount", "--pid", "--net=" + c.networkPath(place), "--",
		// nsenter waits for the program; when it is killed, so is the program.
		"setpriv", "--pdeathsig=KILL", "--",
		// nsenter ends in another working directory.
		"env", "--chdir=" + dir, "KUBECONFIG=" + filepath.Join(c.stateDir, node.AdminConf),
		"PATH=" + c.BinDir() + ":" + os.Getenv("PATH")}
	return append(enter, argv...)
}

// Command returns a command that runs argv at a place; see [Cluster.Argv]. When
// the context ends, all of its processes are killed, and with the cluster they
// end anyway.
func (c *Cluster) Command(ctx context.Context, place Place, argv ...string) *exec.Cmd {
	full := c.Argv(place, argv...)
	command := exec.CommandContext(ctx, full[0], full[1:]...)
	// What the program starts is in its process group.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	return command
}
