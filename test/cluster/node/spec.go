package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Names in the state directory.
const (
	SpecFile  = "spec.json"
	ReadyFile = "ready"
	PIDFile   = "init.pid"
	LogFile   = "cluster.log"
	PKIDir    = "pki"
	BinDir    = "bin"
	LogDir    = "log"
	// AdminConf is a kubeconfig for programs inside the namespaces, HostConf
	// one for those outside.
	AdminConf = "pki/admin.conf"
	HostConf  = "kubeconfig"
)

// Open files that the launcher passes, by descriptor. The lock is never used:
// that the cluster's first process holds it open is what counts.
const (
	LockFD = 3 + iota
	// APIListenerFD is a TCP listener on the host's loopback, through which
	// programs outside the namespaces reach the API server.
	APIListenerFD
	// LifelineFD is the read end of a pipe. The cluster ends when the
	// launcher has closed the other end, as it does by dying, unless the
	// launcher has sent a byte before: then the cluster lives on its own.
	LifelineFD
)

// Spec is what the launcher decided.
type Spec struct {
	// StateDir is the folder for all that the cluster writes.
	StateDir string
	// Images are OCI archives to import.
	Images []string
	// Manifests are applied in order.
	Manifests []Manifest
	// Workloads are what must be rolled out before the cluster is ready.
	Workloads []Workload
}

// Manifest is a file of objects to create.
type Manifest struct {
	Path string
	// DefinesKinds says that manifests after this one use kinds that it
	// defines.
	DefinesKinds bool
}

// Workload names a Deployment or DaemonSet.
type Workload struct {
	Namespace string
	// Name with its kind, e.g. "deployment/coredns".
	Name string
}

// WriteSpec stores the spec in its state directory.
func WriteSpec(spec Spec) error {
	content, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the cluster's spec: %w", err)
	}
	if err := os.WriteFile(filepath.Join(spec.StateDir, SpecFile), content, 0o644); err != nil {
		return fmt.Errorf("write the cluster's spec: %w", err)
	}
	return nil
}

func readSpec(stateDir string) (Spec, error) {
	var spec Spec
	content, err := os.ReadFile(filepath.Join(stateDir, SpecFile))
	if err != nil {
		return spec, fmt.Errorf("read the cluster's spec: %w", err)
	}
	if err := json.Unmarshal(content, &spec); err != nil {
		return spec, fmt.Errorf("decode the cluster's spec: %w", err)
	}
	return spec, nil
}

func (s Spec) path(elements ...string) string {
	return filepath.Join(append([]string{s.StateDir}, elements...)...)
}
