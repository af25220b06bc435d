// Command demo shows the whole story on this machine: a one-node cluster, the
// chart, the sample homelab, and answered requests. See package homelab.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/apt"
	"github.com/gatewright/gatewright/test/homelab"
)

const usage = `usage: demo <command>
  up     bring up the cluster, install Gatewright, serve the sample homelab
  down   end all of it`

func main() {
	// The process ends with the command, so the signals are never let go.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := dispatch(ctx, strings.Join(os.Args[1:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, command string) error {
	switch command {
	case "up":
		return up(ctx)
	case "down":
		// All that the demo started lives in the cluster's process namespace,
		// the Home Assistant on the LAN among it.
		return cluster.Down()
	}
	return errors.New(usage)
}

func up(ctx context.Context) error {
	// A demo that runs already gives way to a new one, of the tree as it is now.
	lab, err := homelab.Up(ctx, homelab.Options{Log: os.Stderr, Detach: true, Replace: true})
	if err != nil {
		return err
	}
	address, err := lab.ServeSample(ctx)
	if err != nil {
		return err
	}
	if err := show(ctx, lab, address); err != nil {
		return err
	}
	fmt.Printf(`
The demo goes on until "make demo-down". Look around:

  export KUBECONFIG=%s PATH=%s:$PATH
  kubectl get gateways,httproutes -A
  go run ./test/cluster/cmd/cluster exec client -- curl …    # as a laptop on the LAN
`, lab.Cluster.Kubeconfig(), lab.Cluster.BinDir())
	return nil
}

// show asks as a laptop on the home LAN would, and prints questions and answers.
func show(ctx context.Context, lab *homelab.Lab, address string) error {
	if err := apt.Install(ctx, os.Stderr, apt.Package{Name: "curl", File: "/usr/bin/curl"}); err != nil {
		return err
	}
	https := []string{"--cacert", lab.AuthorityFile()}
	resolve := func(host, port string) []string {
		return []string{"--resolve", host + ":" + port + ":" + address}
	}
	for _, args := range [][]string{
		append(append(https, resolve(homelab.Whoami, "443")...), "https://"+homelab.Whoami+"/"),
		append(append(https, resolve(homelab.HomeAssistant, "443")...), "https://"+homelab.HomeAssistant+"/"),
		append(append(https, resolve("nobody.jarrett.net", "443")...), "--include", "https://nobody.jarrett.net/"),
		append(resolve(homelab.Whoami, "80"), "--head", "http://"+homelab.Whoami+"/path"),
	} {
		if err := run(lab.Cluster.Command(ctx, cluster.Client, append([]string{"curl", "--silent", "--show-error"}, args...)...), "curl "+strings.Join(args, " ")); err != nil {
			return err
		}
	}
	objects, err := lab.Kubectl(ctx, "get", "gateways,httproutes,websocketpolicies", "--all-namespaces")
	fmt.Printf("\n$ kubectl get gateways,httproutes,websocketpolicies --all-namespaces\n%s", objects)
	return err
}

func run(command *exec.Cmd, said string) error {
	fmt.Printf("\n$ %s\n", said)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}
