package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gatewright/gatewright/test/cluster/pki"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

const etcdURL = "http://127.0.0.1:2379"

// clients are the users of the API server, by the name of their kubeconfig.
var clients = []struct{ name, user, group string }{
	{"admin", "kubernetes-admin", "system:masters"},
	{"controller-manager", "system:kube-controller-manager", "system:authenticated"},
	{"scheduler", "system:kube-scheduler", "system:authenticated"},
	{"kube-proxy", "system:kube-proxy", "system:authenticated"},
	{"kubelet", "system:node:" + topology.NodeName, "system:nodes"},
}

// issueCertificates fills the PKI folder.
func issueCertificates(spec Spec) error {
	dir := spec.path(PKIDir)
	authority, err := pki.NewAuthority(dir)
	if err != nil {
		return err
	}
	err = authority.Server("apiserver", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local", "127.0.0.1", topology.KubernetesIP, topology.NodeIP)
	if err != nil {
		return err
	}
	if err := authority.Client("kubelet-client", "apiserver-kubelet-client", "system:masters"); err != nil {
		return err
	}
	if err := configureAdmission(spec, authority); err != nil {
		return err
	}
	if err := configureAudit(spec); err != nil {
		return err
	}
	if err := authority.SigningKey("service-accounts"); err != nil {
		return err
	}
	for _, client := range clients {
		if err := authority.Client(client.name, client.user, client.group); err != nil {
			return err
		}
		kubeconfig, err := pki.Kubeconfig(dir, client.name, "https://"+topology.APIAddress)
		if err != nil {
			return err
		}
		if err := os.WriteFile(spec.path(PKIDir, client.name+".conf"), kubeconfig, 0o600); err != nil {
			return fmt.Errorf("write the kubeconfig of %s: %w", client.name, err)
		}
	}
	return nil
}

func (s *supervisor) startEtcd() error {
	return s.start("etcd", "etcd", "--data-dir", s.spec.path("etcd"),
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
		"--listen-peer-urls", "http://127.0.0.1:2380",
		// The data need not outlive the processes.
		"--unsafe-no-fsync", "--log-level", "warn")
}

func (s *supervisor) startAPIServer() error {
	dir := s.spec.path(PKIDir) + "/"
	return s.start("kube-apiserver", "kube-apiserver",
		"--etcd-servers="+etcdURL, "--secure-port=6443",
		"--bind-address=0.0.0.0", "--advertise-address="+topology.NodeIP,
		"--tls-cert-file="+dir+"apiserver.crt", "--tls-private-key-file="+dir+"apiserver.key",
		"--client-ca-file="+dir+"ca.crt",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+dir+"service-accounts.key",
		"--service-account-signing-key-file="+dir+"service-accounts.key",
		"--service-cluster-ip-range="+topology.ServiceCIDR,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--admission-control-config-file="+s.spec.path(admissionFile),
		"--audit-policy-file="+s.spec.path(auditPolicyFile), "--audit-log-path="+s.spec.path(LogDir, AuditLog),
		"--kubelet-client-certificate="+dir+"kubelet-client.crt", "--kubelet-client-key="+dir+"kubelet-client.key",
		"--kubelet-preferred-address-types=InternalIP", "--allow-privileged",
		"--profiling=false")
}

func (s *supervisor) startControllers() error {
	dir := s.spec.path(PKIDir) + "/"
	kubeconfigs := func(name string) []string {
		path := dir + name + ".conf"
		return []string{"--kubeconfig=" + path, "--authentication-kubeconfig=" + path, "--authorization-kubeconfig=" + path,
			"--leader-elect=false", "--bind-address=127.0.0.1"}
	}
	manager := append([]string{"kube-controller-manager",
		"--service-account-private-key-file=" + dir + "service-accounts.key", "--root-ca-file=" + dir + "ca.crt",
		"--cluster-signing-cert-file=" + dir + "ca.crt", "--cluster-signing-key-file=" + dir + "ca.key",
		"--use-service-account-credentials", "--allocate-node-cidrs", "--cluster-cidr=" + topology.PodCIDR,
		// With the default limits the first ServiceAccount alone takes seconds.
		"--kube-api-qps=300", "--kube-api-burst=600"}, kubeconfigs("controller-manager")...)
	if err := s.start("kube-controller-manager", manager...); err != nil {
		return err
	}
	return s.start("kube-scheduler", append([]string{"kube-scheduler"}, kubeconfigs("scheduler")...)...)
}

// readyPoll is the pause between two looks at something that is about to
// become ready.
const readyPoll = 50 * time.Millisecond

// awaitAPIServer waits until the API server says that it is ready.
func awaitAPIServer(ctx context.Context, spec Spec) error {
	certificate, err := tls.LoadX509KeyPair(spec.path(PKIDir, "admin.crt"), spec.path(PKIDir, "admin.key"))
	if err != nil {
		return fmt.Errorf("load the admin's certificate: %w", err)
	}
	authority, err := os.ReadFile(spec.path(PKIDir, "ca.crt"))
	if err != nil {
		return fmt.Errorf("load the CA: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	client := http.Client{Transport: &http.Transport{
		DialContext:     (&net.Dialer{Timeout: time.Second}).DialContext,
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: roots},
	}}
	defer client.CloseIdleConnections()
	return poll(ctx, "the API server", func() bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+topology.APIAddress+"/readyz", nil)
		if err != nil {
			return false
		}
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// poll calls ready until it holds or the context ends.
func poll(ctx context.Context, what string, ready func() bool) error {
	for !ready() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-time.After(readyPoll):
		}
	}
	return nil
}
