package node

import (
	"fmt"
	"os"

	"github.com/gatewright/gatewright/test/cluster/pki"
	"github.com/gatewright/gatewright/test/cluster/topology"
)

const admissionFile = "admission.yaml"

// admissionConfiguration names the kubeconfig with the certificate to both
// plugins that call webhooks (Kubernetes, "Authenticate API servers").
const admissionConfiguration = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ValidatingAdmissionWebhook
  configuration: &webhooks
    apiVersion: apiserver.config.k8s.io/v1
    kind: WebhookAdmissionConfiguration
    kubeConfigFile: %s
- name: MutatingAdmissionWebhook
  configuration: *webhooks
`

const webhookKubeconfig = `apiVersion: v1
kind: Config
users:
- name: "*"
  user: {client-certificate: %[1]s.crt, client-key: %[1]s.key}
`

// configureAdmission gives the API server a certificate to show to webhooks.
func configureAdmission(spec Spec, authority *pki.Authority) error {
	if err := authority.Client(topology.WebhookClient, topology.WebhookClient, "system:authenticated"); err != nil {
		return err
	}
	kubeconfig := spec.path(PKIDir, topology.WebhookClient+".conf")
	if err := os.WriteFile(kubeconfig, fmt.Appendf(nil, webhookKubeconfig, spec.path(PKIDir, topology.WebhookClient)), 0o600); err != nil {
		return fmt.Errorf("write the kubeconfig for webhooks: %w", err)
	}
	if err := os.WriteFile(spec.path(admissionFile), fmt.Appendf(nil, admissionConfiguration, kubeconfig), 0o600); err != nil {
		return fmt.Errorf("write the AdmissionConfiguration: %w", err)
	}
	return nil
}
