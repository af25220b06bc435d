package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/gatewright/gatewright/test/cluster/pki"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

// startTimeout bounds the way from nothing to a cluster that is ready.
const startTimeout = 3 * time.Minute

// Run starts the cluster inside the namespaces that [Init] prepared and keeps
// it running. It returns only with the error that ended it.
func Run(stateDir string, log io.Writer) error {
	spec, err := readSpec(stateDir)
	if err != nil {
		return err
	}
	unix.CloseOnExec(APIListenerFD)
	if err := os.Setenv("PATH", spec.path(BinDir)+":"+os.Getenv("PATH")); err != nil {
		return fmt.Errorf("set PATH: %w", err)
	}
	ctx, end := context.WithCancelCause(context.Background())
	cluster := &start{spec: spec, log: log, begin: time.Now(), processes: supervisor{spec: spec, end: end}}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := cluster.start(starting); err != nil {
		return err
	}
	if err := os.WriteFile(spec.path(ReadyFile), nil, 0o644); err != nil {
		return fmt.Errorf("say that the cluster is ready: %w", err)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// start is one start of the cluster.
type start struct {
	spec      Spec
	log       io.Writer
	begin     time.Time
	processes supervisor
}

// did logs a step that is done, with the time since the beginning.
func (s *start) did(format string, args ...any) {
	fmt.Fprintf(s.log, "%5.1fs  %s\n", time.Since(s.begin).Seconds(), fmt.Sprintf(format, args...))
}

func (s *start) start(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	steps, ctx := errgroup.WithContext(ctx)
	imported := make(chan struct{})
	steps.Go(func() error {
		defer close(imported)
		if err := s.processes.startContainerd(); err != nil {
			return err
		}
		if err := importImages(ctx, s.spec); err != nil {
			return err
		}
		s.did("containerd runs, %d images imported", len(s.spec.Images))
		return nil
	})
	steps.Go(func() error { return s.controlPlane(ctx, imported) })
	return steps.Wait()
}

// prepare does what must come before any process.
func (s *start) prepare(ctx context.Context) error {
	if err := os.MkdirAll(s.spec.path(LogDir), 0o755); err != nil {
		return fmt.Errorf("make the log folder: %w", err)
	}
	if err := issueCertificates(s.spec); err != nil {
		return err
	}
	if err := setUpNetwork(ctx); err != nil {
		return fmt.Errorf("set up the network: %w", err)
	}
	listener, err := net.FileListener(os.NewFile(APIListenerFD, "api listener"))
	if err != nil {
		return fmt.Errorf("take over the API listener: %w", err)
	}
	kubeconfig, err := pki.Kubeconfig(s.spec.path(PKIDir), "admin", "https://"+listener.Addr().String())
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.spec.path(HostConf), kubeconfig, 0o600); err != nil {
		return fmt.Errorf("write the kubeconfig for the host: %w", err)
	}
	go func() { s.processes.end(fmt.Errorf("forward to the API server: %w", forwardAPI(listener))) }()
	s.did("certificates and network")
	return nil
}

// controlPlane starts everything but containerd, and the add-ons.
func (s *start) controlPlane(ctx context.Context, imported <-chan struct{}) error {
	if err := s.processes.startEtcd(); err != nil {
		return err
	}
	if err := s.processes.startAPIServer(); err != nil {
		return err
	}
	if err := awaitAPIServer(ctx, s.spec); err != nil {
		return err
	}
	s.did("API server ready")
	if err := s.processes.startControllers(); err != nil {
		return err
	}
	if err := s.processes.startProxy(); err != nil {
		return err
	}
	// The kubelet would take a missing image for a failure and back off.
	select {
	case <-imported:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.processes.startKubelet(); err != nil {
		return err
	}
	return s.addOns(ctx)
}

// addOns applies the manifests while the node becomes ready, and waits for
// both.
func (s *start) addOns(ctx context.Context) error {
	for _, manifest := range s.spec.Manifests {
		if err := s.kubectl(ctx, "create", "--validate=false", "-f", manifest.Path); err != nil {
			return err
		}
		if !manifest.DefinesKinds {
			continue
		}
		if err := s.kubectl(ctx, "wait", "--for=condition=Established", "crd", "--all"); err != nil {
			return err
		}
	}
	s.did("add-ons applied")
	if err := s.kubectl(ctx, "wait", "--for=create", "node/"+topology.NodeName); err != nil {
		return err
	}
	if err := s.kubectl(ctx, "wait", "--for=condition=Ready", "node/"+topology.NodeName); err != nil {
		return err
	}
	s.did("node Ready")
	for _, workload := range s.spec.Workloads {
		if err := s.kubectl(ctx, "--namespace", workload.Namespace, "rollout", "status", workload.Name); err != nil {
			return err
		}
		s.did("%s ready", workload.Name[strings.Index(workload.Name, "/")+1:])
	}
	return nil
}

func (s *start) kubectl(ctx context.Context, args ...string) error {
	return run(ctx, "", append([]string{"kubectl", "--kubeconfig", s.spec.path(AdminConf)}, args...)...)
}
