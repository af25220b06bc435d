// Command cluster starts and ends the embedded Kubernetes cluster of the tests
// and the demo. See package cluster.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gatewright/gatewright/test/cluster"
	"github.com/gatewright/gatewright/test/cluster/image"
	"github.com/gatewright/gatewright/test/cluster/node"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

const usage = `usage: cluster <command>
  up                         start the cluster; it runs until "down"
  down                       end the cluster and remove what it wrote
  status                     say where everything is, and list nodes and pods
  exec [place] -- command…   run a command at a place: node (default), client, lanhost
  build-images [arch]        build the project's images and print their archives
  load-images archive…       give the node image archives
`

func main() {
	// The process ends with the command, so the signals are never let go.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("a command is missing\n%s", usage)
	}
	command, args := args[0], args[1:]
	switch command {
	case "up":
		return up(ctx)
	case "down":
		return cluster.Down()
	case "status":
		return status(ctx)
	case "exec":
		return execute(args)
	case "build-images":
		return buildImages(ctx, args)
	case "load-images":
		return loadImages(ctx, args)
	case "inside":
		return inside(args)
	}
	return fmt.Errorf("there is no command %q\n%s", command, usage)
}

func up(ctx context.Context) error {
	running, err := cluster.Up(ctx, cluster.Options{Log: os.Stderr, Detach: true})
	if err != nil {
		return err
	}
	fmt.Printf("export KUBECONFIG=%s\n", running.Kubeconfig())
	return nil
}

func status(ctx context.Context) error {
	running, err := cluster.Attach()
	if err != nil {
		return err
	}
	fmt.Printf("process     %d\nKUBECONFIG  %s\nprograms    %s\nlogs        %s\n", running.PID(), running.Kubeconfig(), running.BinDir(), running.LogDir())
	fmt.Printf("node %s, client %s, LAN host %s, LoadBalancer addresses %s-%s\n\n",
		topology.NodeIP, topology.ClientIP, topology.LANHostIP, topology.PoolFirst, topology.PoolLast)
	list := running.Command(ctx, cluster.Node, "kubectl", "get", "nodes,pods", "--all-namespaces", "--output=wide")
	list.Stdout, list.Stderr = os.Stdout, os.Stderr
	return list.Run()
}

// execute replaces this process, so that terminals, signals and exit codes are
// the command's own.
func execute(args []string) error {
	place := cluster.Node
	if len(args) > 0 && args[0] != "--" {
		place, args = cluster.Place(args[0]), args[1:]
	}
	if len(args) < 2 || args[0] != "--" {
		return fmt.Errorf("exec needs a command after --\n%s", usage)
	}
	switch place {
	case cluster.Node, cluster.Client, cluster.LANHost:
	default:
		return fmt.Errorf("there is no place %q\n%s", place, usage)
	}
	running, err := cluster.Attach()
	if err != nil {
		return err
	}
	argv := running.Argv(place, args[1:]...)
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return fmt.Errorf("exec: %w", err)
	}
	return syscall.Exec(program, argv, os.Environ())
}

func buildImages(ctx context.Context, args []string) error {
	arch := strings.Join(args, "")
	archives, err := image.Build(ctx, os.Stderr, arch, image.Targets...)
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(archives, "\n"))
	return nil
}

func loadImages(ctx context.Context, archives []string) error {
	running, err := cluster.Attach()
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if err := running.LoadImage(ctx, archive); err != nil {
			return err
		}
		fmt.Println("loaded", filepath.Base(archive))
	}
	return nil
}

// inside is what the launcher starts in the namespaces: first as their first
// process, then once more below it.
func inside(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("inside is for the launcher only\n%s", strings.TrimSpace(usage))
	}
	if os.Getpid() != 1 {
		return node.Run(args[0], os.Stdout)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the own binary: %w", err)
	}
	code, err := node.Init(args[0], self)
	if err == nil && code != 0 {
		os.Exit(code)
	}
	return err
}
