package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/gatewright/gatewright/test/cluster/topology"
)

// sysctls of the node's network namespace.
var sysctls = map[string]string{
	"net/ipv4/ip_forward": "1",
	// kube-proxy must see traffic between pods of one bridge, or answers from
	// a Service's pod to its neighbour keep the pod's address.
	"net/bridge/bridge-nf-call-iptables": "1",
}

// lanMasquerade gives pods the node's address on the LAN, as every home
// cluster does: LAN hosts have no route to pods.
const lanMasquerade = `table ip gatewright-lan {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr ` + topology.PodCIDR + ` oifname "` + topology.LANBridge + `" masquerade
	}
}
`

// setUpNetwork makes the LAN: a bridge that is the node's interface, and a
// network namespace each for the client and for the host outside the cluster.
func setUpNetwork(ctx context.Context) error {
	for name, value := range sysctls {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil {
			return fmt.Errorf("set sysctl %s: %w", name, err)
		}
	}
	commands := [][]string{
		{"link", "set", "lo", "up"},
		{"link", "add", topology.LANBridge, "type", "bridge"},
		{"address", "add", withPrefix(topology.NodeIP), "dev", topology.LANBridge},
		{"link", "set", topology.LANBridge, "up"},
		// The kernel looks for a route before kube-proxy rewrites a Service's
		// address, so there must be one, wherever it leads.
		{"route", "add", topology.ServiceCIDR, "dev", topology.LANBridge},
	}
	commands = append(commands, lanHost(topology.ClientNamespace, topology.ClientIP)...)
	commands = append(commands, lanHost(topology.LANHostNamespace, topology.LANHostIP)...)
	for _, command := range commands {
		if err := run(ctx, "", append([]string{"ip"}, command...)...); err != nil {
			return err
		}
	}
	return run(ctx, lanMasquerade, "nft", "-f", "-")
}

// lanHost returns the commands that attach a network namespace to the LAN, as
// a machine with one cable. It has no default route: there is no way out.
func lanHost(namespace, address string) [][]string {
	port := "lan-" + namespace
	return [][]string{
		{"netns", "add", namespace},
		{"link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace},
		{"link", "set", port, "master", topology.LANBridge, "up"},
		{"-n", namespace, "link", "set", "lo", "up"},
		{"-n", namespace, "address", "add", withPrefix(address), "dev", "eth0"},
		{"-n", namespace, "link", "set", "eth0", "up"},
	}
}

func withPrefix(address string) string {
	return fmt.Sprintf("%s/%d", address, topology.PrefixLength)
}

// run runs a short command to its end with the given standard input.
func run(ctx context.Context, input string, argv ...string) error {
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Stdin = strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, output)
	}
	return nil
}
