package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gatewright/gatewright/test/cluster/cache"
	"github.com/gatewright/gatewright/test/cluster/node"
)

// ErrRunning is what [Up] returns when a cluster runs already.
var ErrRunning = errors.New("a cluster is running already: end it with `cluster down`")

// ErrNotRunning is what [Attach] returns when there is no cluster.
var ErrNotRunning = errors.New("no cluster is running: start one with `cluster up`")

// Options say how to start a cluster.
type Options struct {
	// Log takes progress: what is installed, built and started, and how long
	// it took. Nil means nowhere.
	Log io.Writer
	// Detach lets the cluster outlive this process. Without it, the cluster
	// ends with the process, however that ends.
	Detach bool
	// Wait waits for another cluster to end. Without it, Up fails with
	// ErrRunning.
	Wait bool
	// Images are further OCI archives that containerd has from the start.
	Images []string
}

// Cluster is a running cluster.
type Cluster struct {
	stateDir string
	pid      int
	lifeline io.Closer
}

// Up starts the cluster and returns when the node is Ready, names resolve and
// MetalLB gives out addresses. Only one cluster runs at a time on a machine.
// What an earlier one left behind, however it ended, is removed first.
func Up(ctx context.Context, options Options) (*Cluster, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	begin := time.Now()
	parts, err := prepareParts(ctx, options.Log)
	if err != nil {
		return nil, fmt.Errorf("prepare the cluster's parts: %w", err)
	}
	fmt.Fprintf(options.Log, "parts present after %s\n", time.Since(begin).Round(time.Second/10))
	launch, err := newLaunch(ctx, options)
	if err != nil {
		return nil, err
	}
	defer launch.release()
	if err := launch.fillStateDir(parts); err != nil {
		return nil, fmt.Errorf("fill the state directory: %w", err)
	}
	cluster, err := launch.start(ctx, parts.launcher)
	if err != nil {
		return nil, fmt.Errorf("start the cluster: %w", err)
	}
	fmt.Fprintf(options.Log, "cluster ready after %s\n", time.Since(begin).Round(time.Second/10))
	return cluster, nil
}

// Attach returns the cluster that runs already, or ErrNotRunning.
func Attach() (*Cluster, error) {
	stateDir, err := stateDir()
	if err != nil {
		return nil, err
	}
	pid, running := runningPID(stateDir)
	if !running {
		return nil, ErrNotRunning
	}
	if _, err := os.Stat(filepath.Join(stateDir, node.ReadyFile)); err != nil {
		return nil, fmt.Errorf("%w, the one of process %d is not ready yet", ErrNotRunning, pid)
	}
	return &Cluster{stateDir: stateDir, pid: pid}, nil
}

// Down ends the cluster and removes what it wrote.
func (c *Cluster) Down() error {
	if c.lifeline != nil {
		c.lifeline.Close()
	}
	return Down()
}

// Down ends the cluster that runs on this machine, if one does, and removes
// state and cgroups of this one or of one that ended on its own.
func Down() error {
	stateDir, err := stateDir()
	if err != nil {
		return err
	}
	if pid, running := runningPID(stateDir); running {
		if err := kill(pid); err != nil {
			return err
		}
	}
	// The lock is free as soon as the first process has ended.
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	unlock, err := cache.Lock(ctx, stateDir+".lock")
	if err != nil {
		return fmt.Errorf("wait for the cluster's end: %w", err)
	}
	defer unlock()
	return clean(stateDir)
}

// Kubeconfig is the path of a kubeconfig with all rights, for programs on this
// machine. It holds its certificates itself.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.stateDir, node.HostConf) }

// LogDir is the folder of the components' logs, such as kubelet.log. It is
// removed by Down.
func (c *Cluster) LogDir() string { return filepath.Join(c.stateDir, node.LogDir) }

// AuditLog is the API server's log of what Gatewright's service accounts have
// asked for: one audit.k8s.io/v1 Event, as JSON, on each line. A request is in it
// before it is answered.
func (c *Cluster) AuditLog() string { return filepath.Join(c.LogDir(), node.AuditLog) }

// BinDir is a folder with kubectl and the cluster's other programs, for a PATH.
func (c *Cluster) BinDir() string { return filepath.Join(c.stateDir, node.BinDir) }

// PID is the process ID of the cluster's first process.
func (c *Cluster) PID() int { return c.pid }

// LoadImage gives containerd the image in an OCI archive. Pods name it by the
// reference in the archive, with imagePullPolicy IfNotPresent or Never.
func (c *Cluster) LoadImage(ctx context.Context, archive string) error {
	absolute, err := filepath.Abs(archive)
	if err != nil {
		return fmt.Errorf("load image: %w", err)
	}
	if output, err := c.Command(ctx, Node, node.ImportCommand(absolute)...).CombinedOutput(); err != nil {
		return fmt.Errorf("load image %s: %w\n%s", archive, err, output)
	}
	return nil
}
