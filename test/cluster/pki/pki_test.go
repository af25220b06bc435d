package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gatewright/gatewright/test/cluster/pki"
)

func TestServerCertificateIsGoodForItsNamesAndAddressesOnly(t *testing.T) {
	t.Parallel()
	dir, roots := authority(t, func(a *pki.Authority) error { return a.Server("server", "localhost", "10.96.0.1") })
	certificate := leaf(t, dir, "server")
	for host, good := range map[string]bool{"localhost": true, "10.96.0.1": true, "10.96.0.2": false, "example.net": false} {
		_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
		if (err == nil) != good {
			t.Errorf("%s: verified = %v (%v), want %v", host, err == nil, err, good)
		}
	}
}

func TestClientCertificateCarriesUserAndGroupsAndCannotServe(t *testing.T) {
	t.Parallel()
	dir, roots := authority(t, func(a *pki.Authority) error { return a.Client("client", "system:node:node1", "system:nodes") })
	certificate := leaf(t, dir, "client")
	if diff := cmp.Diff([]string{"system:node:node1", "system:nodes"}, append([]string{certificate.Subject.CommonName}, certificate.Subject.Organization...)); diff != "" {
		t.Errorf("subject (-want +got):\n%s", diff)
	}
	for usage, good := range map[x509.ExtKeyUsage]bool{x509.ExtKeyUsageClientAuth: true, x509.ExtKeyUsageServerAuth: false} {
		_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}})
		if (err == nil) != good {
			t.Errorf("usage %d: verified = %v (%v), want %v", usage, err == nil, err, good)
		}
	}
}

func TestKubeconfigHoldsItsCertificatesItself(t *testing.T) {
	t.Parallel()
	dir, _ := authority(t, func(a *pki.Authority) error { return a.Client("admin", "me") })
	content, err := pki.Kubeconfig(dir, "admin", "https://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	var kubeconfig struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := yaml.Unmarshal(content, &kubeconfig); err != nil {
		t.Fatal(err)
	}
	if got := kubeconfig.Clusters[0].Cluster.Server; got != "https://127.0.0.1:1" {
		t.Errorf("server %q", got)
	}
	if _, err := tls.X509KeyPair(kubeconfig.Users[0].User.Certificate, kubeconfig.Users[0].User.Key); err != nil {
		t.Errorf("the user's certificate and key: %v", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(kubeconfig.Clusters[0].Cluster.Authority) {
		t.Error("the authority is no certificate")
	}
}

func authority(t *testing.T, issue func(*pki.Authority) error) (string, *x509.CertPool) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	made, err := pki.NewAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := issue(made); err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(root) {
		t.Fatal("ca.crt holds no certificate")
	}
	return dir, roots
}

func leaf(t *testing.T, dir, name string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}
